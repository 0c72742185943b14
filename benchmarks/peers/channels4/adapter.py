"""channels_redis (its core and its pub/sub layer) and the in-memory layer of Channels 4, capacity raised."""
import asyncio
import time

CAPACITY = 1000000


class Layer:
    def __init__(self, urls, config):
        self.loop = asyncio.new_event_loop()
        # Their layers look for the running loop when they connect.
        asyncio.set_event_loop(self.loop)
        kind = config.get('kind', 'core')
        if kind == 'memory':
            from channels.layers import InMemoryChannelLayer
            self.layer = InMemoryChannelLayer(capacity=CAPACITY)
        elif kind == 'pubsub':
            from channels_redis.pubsub import RedisPubSubChannelLayer
            self.layer = RedisPubSubChannelLayer(hosts=urls, capacity=CAPACITY)
        else:
            from channels_redis.core import RedisChannelLayer
            self.layer = RedisChannelLayer(hosts=urls, capacity=CAPACITY)

    def run(self, coroutine):
        return self.loop.run_until_complete(coroutine)

    def produce(self, channel, message, until):
        async def work():
            sent = 0
            while not until():
                await self.layer.send(channel, message)
                sent += 1
            await self.layer.send(channel, {'last': sent + 1})
            return sent + 1
        return self.run(work())

    def consume(self, channel):
        async def work():
            received, expected = 0, None
            while expected is None or received < expected:
                message = await self.layer.receive(channel)
                received += 1
                expected = message.get('last', expected)
            return received
        return self.run(work())

    def join(self, group, members):
        async def work():
            self.members = [await self.layer.new_channel() for _ in range(members)]
            for member in self.members:
                await self.layer.group_add(group, member)
        self.run(work())

    def send_groups(self, group, message, until):
        async def work():
            sent = 0
            while not until():
                await self.layer.group_send(group, message)
                sent += 1
            return sent
        return self.run(work())

    def consume_groups(self, done):
        async def work():
            received = 0

            async def read(member):
                nonlocal received
                while True:
                    await self.layer.receive(member)
                    received += 1
            tasks = [asyncio.ensure_future(read(member)) for member in self.members]
            while not done(received):
                await asyncio.sleep(0.01)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        self.run(work())

    def pass_on(self, message, until):
        async def work():
            passed = 0
            while not until():
                for _ in range(100):
                    await self.layer.send('bench', message)
                    await self.layer.receive('bench')
                passed += 100
            return passed
        return self.run(work())

    def send_and_drop(self, group, message, until):
        async def work():
            sends, seconds = 0, 0.0
            while not until():
                begin = time.time()
                await self.layer.group_send(group, message)
                seconds += time.time() - begin
                sends += 1
                self.layer.channels.clear()
            return sends, seconds
        return self.run(work())
