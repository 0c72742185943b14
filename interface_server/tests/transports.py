"""A client of the tests that are without a socket."""


class Transport:
    """What a loop's transport shows of a client that takes all that is written."""

    def __init__(self):
        self.is_reading, self.is_closed, self.answers = True, False, []

    def is_closing(self):
        return self.is_closed

    def pause_reading(self):
        self.is_reading = False

    def resume_reading(self):
        self.is_reading = True

    def write(self, data):
        self.answers.append(bytes(data))

    def writelines(self, pieces):
        self.answers.append(b"".join(pieces))

    def get_extra_info(self, name, default=None):
        return default

    def get_write_buffer_size(self):
        return 0

    def can_write_eof(self):
        return False

    def close(self):
        self.is_closed = True

    abort = close
