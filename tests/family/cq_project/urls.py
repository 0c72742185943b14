from cq.router import register
from rest_framework.routers import DefaultRouter

router = DefaultRouter()
register(router)
urlpatterns = router.urls
