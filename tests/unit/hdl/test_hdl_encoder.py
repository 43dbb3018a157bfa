"""The encoder and dropout of the RTL draw the spikes of the golden model, as fast as they say."""

from __future__ import annotations

import pytest

from spikeloom.hdl import encoder
from spikeloom.hdl.dropout import Dropout
from spikeloom.hdl.encoder import Encoder
from spikeloom.hdl.hardware import Hardware
from tests.bench import bench_encoder
from tests.bench.bench import Bench, Driver, Pins, join, run_case, run_cases, simulate
from tests.campaigns.mutation.planted import assert_fails, of
from tests.support import stimulus

EVERY = [*bench_encoder.cases(), *bench_encoder.jitter_cases()]


@pytest.mark.parametrize("case", EVERY, ids=lambda case: case.name)
def test_spikes_and_streams_are_golden_while_the_next_image_loads(case, seed):
    run_case(case, seed)


@pytest.mark.parametrize("case", bench_encoder.dropout_cases(), ids=lambda case: case.name)
def test_dropout_is_golden_a_neuron_a_clock(case, seed):
    run_case(case, seed)


class Timing(Bench):
    """One image of 255s, an always ready list; notes the clocks of spikes and ends."""

    def __init__(self, component: Encoder, *, active: int, steps: int, words: tuple) -> None:
        super().__init__(component, 0)
        self.active, self.steps, self.words = active, steps, words
        self.loaded, self.start, self.pushes, self.closes = 0, 0, [], []

    def drivers(self):
        yield self.sample()

    def sample(self) -> Driver:
        for index in range(self.active):
            pixel = {"image__load": 1, "image__index": index, "image__value": 255}
            while not (yield pixel)["image__ready"]:
                pass
        self.loaded = self.clock
        yield {"swap": 1}
        word, drop_word = self.words
        held = {"steps": self.steps, "train": 1, "spikes__ready": 1}
        held |= {"random__words": join([word] * 8, 16), "drop__words": drop_word}
        if "jitter__words" in self.pins:
            held["jitter__words"] = NO_SHIFT
        self.start = self.clock
        seen = yield held | {"start": 1}
        while seen["start"] or seen["busy"]:
            seen = yield held

    def check(self, seen: Pins) -> None:
        if seen["spikes__push"]:
            self.pushes.append(self.clock - self.start)
        if seen["spikes__close"]:
            self.closes.append(self.clock - self.start)


ALWAYS, NEVER = 0, 65535  # words below every product, and below none
NO_SHIFT = 1 << 15


def timing(
    draws,
    active,
    steps,
    word,
    *,
    dropout=0,
    drop_word=NEVER,
    jitter=0,
    registered=True,
    module=encoder,
) -> Timing:
    machine = stimulus.machine(
        image=(5, 8),
        sizes=(40, 16, 10),
        input__jitter=jitter,
        steps=steps,
        ramp_train=(200,) * steps,
        input_dropout=dropout,
    )
    component = module.Encoder(machine, Hardware(draws=draws, registered=registered))
    return simulate(
        component, Timing(component, active=active, steps=steps, words=(word, drop_word))
    )


@pytest.mark.parametrize("draws", [1, 2, 3, 4, 8])
def test_the_first_spike_leaves_five_clocks_after_start_four_without_a_register(draws):
    assert timing(draws, 20, 2, ALWAYS).pushes[0] == 5
    assert timing(draws, 20, 2, ALWAYS, registered=False).pushes[0] == 4


def test_dropout_adds_a_clock_per_pixel_and_one():
    assert timing(2, 20, 2, ALWAYS, dropout=1).pushes[0] == 5 + 20 + 1
    assert timing(2, 20, 2, ALWAYS, dropout=1, drop_word=0).pushes == []


@pytest.mark.parametrize(("registered", "first"), [(True, 5), (False, 4)])
def test_jitter_adds_two_clocks_and_one_for_each_row_of_an_image(registered, first):
    plain, moved = (timing(2, 40, 2, ALWAYS, jitter=r, registered=registered) for r in (0, 1))
    assert plain.loaded == 40
    assert moved.loaded == 40 + 5 - 1
    assert plain.pushes[0] == first
    assert moved.pushes == [clock + 2 for clock in plain.pushes]


def silent_pixels_pass_at_draws_a_clock(draws, active, module=encoder):
    ends = timing(draws, active, 5, NEVER, module=module).closes
    groups = max(1, -(-active // draws))
    assert ends == [4 + groups * (t + 1) for t in range(5)]


@pytest.mark.parametrize("draws", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("active", [0, 1, 20, 40])
def test_silent_pixels_pass_at_draws_a_clock(draws, active):
    silent_pixels_pass_at_draws_a_clock(draws, active)


@pytest.mark.parametrize("draws", [1, 2, 3, 4, 8])
def test_spikes_leave_one_a_clock(draws):
    bench = timing(draws, 40, 3, ALWAYS)
    assert bench.pushes == list(range(5, 5 + 120))
    assert bench.closes == [44, 84, 124]


def test_dropout_of_a_layer_is_ready_after_one_clock_when_inferring():
    component = Dropout(neurons=5, chance=65535)

    class Inferring(Bench):
        def drivers(self):
            yield self.start()

        def start(self) -> Driver:
            yield {"start": 1}
            yield {}

        def check(self, seen: Pins) -> None:
            for pin in ("busy", "random__take", "dropped"):
                self.expect(pin, seen[pin], 0)

    simulate(component, Inferring(component, 0))


def every_check(module) -> None:
    silent_pixels_pass_at_draws_a_clock(2, 20, module)
    run_cases([*bench_encoder.cases(module), *bench_encoder.jitter_cases(module)], 1)


@pytest.mark.parametrize("mutant", of("encoder"), ids=lambda mutant: mutant.why)
def test_the_bench_fails_on(mutant):
    assert_fails(mutant, every_check)


@pytest.mark.parametrize("mutant", of("dropout"), ids=lambda mutant: mutant.why)
def test_the_dropout_bench_fails_on(mutant):
    assert_fails(mutant, lambda module: run_cases(bench_encoder.dropout_cases(module), 1))


@pytest.mark.parametrize("mutant", of("jitter"), ids=lambda mutant: mutant.why)
def test_the_bench_fails_on_jitter_with(mutant, monkeypatch):
    def bench(module) -> None:
        monkeypatch.setattr(encoder, "Jitter", module.Jitter)
        run_cases(bench_encoder.jitter_cases(), 1)

    assert_fails(mutant, bench)
