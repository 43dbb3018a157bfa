"""Runs of the machine itself: the golden integer model, which the RTL equals bit for bit."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from spikeloom import checkpoint as checkpoints
from spikeloom.golden.datasets import Dataset
from spikeloom.golden.spec import network as configurations
from spikeloom.golden.spec.machine import Machine, machine
from spikeloom.golden.spec.network import NetworkConfig
from spikeloom.network import Network
from spikeloom.progress import Progress
from tests.paper import images, stats
from tests.paper.errors import PaperError
from tests.paper.job import Job, Place, Tell


def job(
    data: str,
    name: str,
    seed: int,
    epochs: int,
    *,
    train: int | None = None,
    test: int | None = None,
) -> Job:
    """Return a run of a shipped network on the first `train` and `test` images of a data set."""
    shipped = configurations.load(name)
    config = {
        "data": data,
        "train": train,
        "test": test,
        "network": name,
        "network_digest": shipped.digest(),
        "epochs": epochs,
        "seed": seed,
    }
    neurons = shipped.sizes[0] + 2 * sum(shipped.sizes[1:])
    work = images.trained(config, epochs) * shipped.steps * neurons
    title = f"machine {name} on {images.title(data)}, seed {seed}"
    return Job("machine", config, title=title, cost=work / 7e8)


def shipped(config: dict[str, Any]) -> NetworkConfig:
    """Return the network of a run; `PaperError` where it is another than the run was made for."""
    found = configurations.load(config["network"])
    if found.digest() != config["network_digest"]:
        raise PaperError(
            f"configuration {found.name} has the digest {found.digest()}, this run wants "
            f"{config['network_digest']}: workers must have the same version of spikeloom"
        )
    return found


def run(config: dict[str, Any], place: Place, tell: Tell) -> dict[str, Any]:
    """Train and test the machine, as a run of a sweep.

    config : what `job` makes. Returns `accuracy`, one number after the last epoch, 0 to 1;
    `right`, which of the `images` test images were right (`stats.pack`); and `data`, the
    fingerprint of the images.
    """
    found = shipped(config)
    data = images.loaded(config, place, found.image)
    network, checkpoint = trained(found, data, config, place, tell, Job("machine", config).key)
    tested = network.evaluate(data.test)
    if checkpoint is not None:
        checkpoint.unlink(missing_ok=True)
    return {
        "accuracy": [tested.right / len(tested.labels)],
        "right": stats.pack(tested.predicted == tested.labels),
        "images": len(tested.labels),
        "data": images.fingerprint(data),
    }


def trained(
    found: NetworkConfig,
    data: Dataset,
    config: dict[str, Any],
    place: Place,
    tell: Tell,
    name: str,
) -> tuple[Network, Path | None]:
    """Train a network for `config`'s `epochs` from its `seed`, going on where a run stopped.

    Returns it and its checkpoint, which is to be removed when the run's result is known.
    """
    path, network = None, None
    if place.partial is not None:
        path = Path(place.partial) / f"{name}.npz"
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            kept = checkpoints.load(path)
            kept.check_network(found)
            kept.check_run(data.train)
            network = Network.load(kept, show=False)
    network = network or Network(found, seed=config["seed"], show=False)

    def progress(now: Progress) -> None:
        tell(now.done / now.total)

    more = config["epochs"] - network.run.epoch
    network.fit(data.train, epochs=more, callback=progress, save=path)
    return network, path


def with_wta(found: NetworkConfig, kind: str, strength: float) -> Machine:
    """Return the machine of a network with another inhibition of its output layer."""
    inhibition = dataclasses.replace(found.wta, kind=kind, strength=strength)
    return machine(dataclasses.replace(found, wta=inhibition))
