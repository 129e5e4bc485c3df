"""Looking up names of hosts in a bounded time."""

import queue
import socket
import threading


def number_of_addresses(host: str, seconds: float) -> int:
    """Count the addresses of a host, waiting at most so many seconds for name servers.

    The system's look-up has no time limit of its own: with name servers that do not answer it can
    take half a minute. It is left alone then, in a daemon thread that holds nothing. Raises
    `socket.gaierror`, also when the time is over, and `UnicodeError` for what can be no name.
    """
    answers: queue.SimpleQueue[int | OSError | UnicodeError] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            answers.put(len(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)))
        except (OSError, UnicodeError) as error:
            answers.put(error)

    threading.Thread(target=look_up, name=f"look-up {host}", daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty as error:
        raise socket.gaierror(socket.EAI_AGAIN, f"no answer in {seconds:g} s") from error
    if isinstance(answer, Exception):
        raise answer
    return answer
