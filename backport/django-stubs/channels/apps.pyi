from django.apps import AppConfig

class ChannelsConfig(AppConfig):
    label: str
    verbose_name: str
    def ready(self) -> None: ...
