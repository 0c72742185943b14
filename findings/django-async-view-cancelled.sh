#!/usr/bin/env bash
# Django 5.2.19 under ASGI: when a client goes away before its response, a proxy that gave
# up among them, an `async def` view is cancelled at its next `await`, a POST's, too: what
# it wrote so far stays, the rest isn't done. A view without `async` in the same server
# runs to its end, as all do under WSGI. So one view does half of its work, or all of it,
# by one word. uvicorn 0.54.0, Hypercorn 0.18.0, daphne 4.2.3 and granian 2.8.9 alike.
# asyncio.shield(), or work in a task of its own, lets it finish.
#
# Guessed: a view that has begun runs to its end; its response is dropped.
#
# Seen (POST to views of 2 seconds; the client leaves after half a second):
#   async def                paid
#   async def with shield    paid mailed
#   def                      paid mailed
. "$(dirname "$0")/lib.sh"

pypi Django==5.2.19 uvicorn==0.54.0 hypercorn==0.18.0 daphne==4.2.3 granian==2.8.9
need curl
cd "$folder"
cat >project.py <<'END'
import asyncio
import time

from django.conf import settings

settings.configure(ALLOWED_HOSTS=['*'], SECRET_KEY='finding', ROOT_URLCONF='project', MIDDLEWARE=[])

from django.core.asgi import get_asgi_application
from django.http import HttpResponse
from django.urls import path


def log(request, word):
    with open(request.GET['log'], 'a') as file:
        print(word, file=file)


async def order(request):
    log(request, 'paid')
    await asyncio.sleep(2)
    log(request, 'mailed')


async def cancelled(request):
    await order(request)
    return HttpResponse()


async def shielded(request):
    await asyncio.shield(order(request))
    return HttpResponse()


def plain(request):
    log(request, 'paid')
    time.sleep(2)
    log(request, 'mailed')
    return HttpResponse()


urlpatterns = [path('cancelled', cancelled), path('shielded', shielded), path('plain', plain)]
application = get_asgi_application()
END
export PYTHONPATH=$folder
# done_by NAME: what each of the views had done four seconds later, on the server at $number
done_by() {
    local view
    reachable "$number"
    for view in cancelled shielded plain; do
        curl --silent --max-time 0.5 --request POST "http://127.0.0.1:$number/$view?log=$1-$view" >"$1-body" || true
    done
    sleep 4
    compare "$1, async def" "paid mailed" "paid" "$(xargs <"$1-cancelled")"
    compare "$1, async def with shield" "paid mailed" "paid mailed" "$(xargs <"$1-shielded")"
    compare "$1, def" "paid mailed" "paid mailed" "$(xargs <"$1-plain")"
}
number=$(port)
start uvicorn.log "$bin/uvicorn" project:application --lifespan off --port "$number"
done_by uvicorn
number=$(port)
start hypercorn.log "$bin/hypercorn" project:application -b "127.0.0.1:$number"
done_by Hypercorn
number=$(port)
start daphne.log "$bin/daphne" project:application -p "$number"
done_by daphne
number=$(port)
start granian.log "$bin/granian" --interface asgi project:application --port "$number"
done_by granian
verdict
