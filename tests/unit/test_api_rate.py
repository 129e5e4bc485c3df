"""How often a client may ask, by a clock of the test's."""

from infrastructure.web.rate import ClientRates


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def test_a_client_waits_as_long_as_it_is_told() -> None:
    clock = Clock()
    rates = ClientRates(60, clock=clock)
    assert [rates.wait_seconds("a") for _ in range(10)] == [0.0] * 10
    wait = rates.wait_seconds("a")
    assert 0 < wait <= 1
    assert rates.wait_seconds("b") == 0.0
    clock.seconds += wait
    assert rates.wait_seconds("a") == 0.0
    assert rates.wait_seconds("a") > 0


def test_over_a_minute_a_client_gets_what_the_setting_says() -> None:
    clock = Clock()
    rates = ClientRates(60, clock=clock)
    while rates.wait_seconds("a") == 0:
        pass
    granted = 0
    for _ in range(600):
        clock.seconds += 0.1
        granted += rates.wait_seconds("a") == 0
    assert 59 <= granted <= 61
