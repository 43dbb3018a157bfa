"""What kind of state a bit is, told by the name of its signal."""

from __future__ import annotations

import re

from tests.campaigns.upsets.state import Place

WEIGHTS, MEMBRANES, LFSR = "weights", "membranes", "LFSR"
MACHINES, COUNTERS = "state machines", "counters"
SETTINGS, EVENTS = "settings", "event counters"
SPIKES, PATH = "images and spikes", "data path"
DECODER, LINK, BUFFERS = "decoder", "link", "link buffers"

KINDS = {
    WEIGHTS: "memories of the crossbars, with the places of no weight",
    MEMBRANES: "memories of forward and error neurons",
    LFSR: "states and seeds of the random streams",
    MACHINES: "states and flags of the network's control",
    COUNTERS: "places, addresses and counts that control goes by",
    SETTINGS: "registers that the host sets: steps, margins, updates, label",
    EVENTS: "counts of spikes, errors, writes, samples, clocks: told, not used",
    SPIKES: "pixels, lists of spikes, spikes and errors that wait",
    PATH: "registers between memories and sums, neurons, spikes",
    DECODER: "commands and replies: state, argument, buffers, digest",
    LINK: "serial link: UART, frames, places in streams, timers, rate",
    BUFFERS: "serial link: memory of commands and replies",
}
"""Every kind with what it is, in the order of the tables."""

SERIAL = (LINK, BUFFERS)
"""Kinds that are upset while the host speaks over the link."""

_RULES = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        (BUFFERS, r"link\.buffers\.(memory|commands__payload)$"),
        (LINK, r"link\."),
        (
            DECODER,
            r"core\.control\.|core\.network\.registers\.|core\.network\.host__weights__weight$",
        ),
        (WEIGHTS, r".*_weights\d*$"),
        (MEMBRANES, r".*_(membranes|pools)$"),
        (LFSR, r"core\.network\.streams\."),
        (EVENTS, r"core\.network\.(samples|cycles|ran|total|(spikes|writes)_\d+)$"),
        (EVENTS, r"core\.network\.backward\.(positives|negatives)$"),
        (SETTINGS, r"core\.network\.(steps|stop_\w+|step\d+\.\w+|label|train)$"),
        (SPIKES, r".*\.(\w+_pixels\d+|layer\d+_list|layer\d+_errors|bits\d+|raw|counted)$"),
        (SPIKES, r".*\.(layer\d+|encoder)\.spikes$|.*\.scanner\.\$signal|.*_(waiting|fired)$"),
        (SPIKES, r".*\.(positive|negative)$|.*\.dropped(\$\d+)?$"),
        (COUNTERS, r".*\.list\.(after|closed\d|end|here|start|steps)$"),
        (COUNTERS, r".*(?<!crossbar)\.word\d$"),
        (
            COUNTERS,
            r".*\.(step|count\d+|known|group|place|lane|slot|word|words|scanned|base|begun)$",
        ),
        (COUNTERS, r".*\.(row|done_word|done_row|fired_word|later|scanner\.word)$"),
        (MACHINES, r".*_state$"),
    )
)
_UNNAMED = re.compile(r".*\$(signal|like)(\$\d+)?$")


def kind_of(place: Place) -> str:
    """Return the kind of a place; what has no telling name is told by its width."""
    for kind, rule in _RULES:
        if rule.match(place.name):
            return kind
    if place.width == 1 and place.first == 0 and not place.memory:
        return MACHINES
    return COUNTERS if _UNNAMED.match(place.name) else PATH
