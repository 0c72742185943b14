"""Routing of numbered jobs."""
import bench_task
from django.channels import route


def numbered(message):
    bench_task.numbered(message.content['number'])


channel_routing = [
    route('bench.numbered', numbered, acknowledged=True),
]
