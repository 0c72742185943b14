"""
Send numbered jobs with the module bench_numbered of a peer's site.

    python numbered.py NUMBER SECONDS FILE

They are spread over so many seconds. Each has a line in FILE: "c", its number
and the time where send() has returned, "f", both, and the class of what it
raised where it hasn't. What has failed is not sent again.
"""
import sys
import time

#: Seconds between a send that has failed and the next one.
PAUSE = 0.1


def main():
    number, seconds, path = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
    from bench_numbered import send
    begin = time.monotonic()
    with open(path, 'a', buffering=1) as file:
        for index in range(number):
            early = begin + seconds * index / number - time.monotonic()
            if early > 0:
                time.sleep(early)
            try:
                send(index)
            except Exception as error:
                file.write('f %d %.6f %s\n' % (index, time.time(), type(error).__name__))
                time.sleep(PAUSE)
            else:
                file.write('c %d %.6f\n' % (index, time.time()))


if __name__ == '__main__':
    main()
