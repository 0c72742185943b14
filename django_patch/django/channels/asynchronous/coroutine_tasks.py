"""
Coroutine tasks of Django, on the event loop.
"""
from asgiref.sync import sync_to_async

from .interruption import is_end_of_worker, meaning_of
from .loop import in_thread


async def run_async(attempt):
    """Run the task of `attempt`, a tasks.TaskAttempt, as tasks.run_task() does others."""
    await in_thread(attempt.begin)
    await _tell(attempt, 'task_started')
    try:
        value = attempt.checked(await attempt.task.func(*attempt.args, **attempt.kwargs))
    except BaseException as error:
        if is_end_of_worker(error):
            # The job is requeued.
            raise
        if await in_thread(attempt.fail, meaning_of(error)):
            await _tell(attempt, 'task_finished')
        raise
    await in_thread(attempt.succeed, value)
    await _tell(attempt, 'task_finished')


async def _tell(attempt, name):
    # Django's own receivers write to the log, and need no thread: it would
    # stay with the task until that ends, and thousands may run at once.
    if attempt.is_only_logged(name):
        attempt.tell(name)
    else:
        await sync_to_async(attempt.tell)(name)
