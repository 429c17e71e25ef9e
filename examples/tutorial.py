"""The tutorial of torch_mist, step by step, with mistcli: estimate, build, train and value by hand, and plot.

The same steps in words, beside those of torch_mist, are in docs/migrating-from-torch-mist.md. It writes `tutorial.png`
into the folder that is named on the command line, or the one it is run in.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib as mpl
import pandas as pd
import torch
from torch import nn
from torch.distributions import MultivariateNormal, Normal
from torch.optim import Adam, AdamW
from torch.utils.data import DataLoader

from mistcli import SampleDataset, estimate, estimate_mi, estimators, evaluate_mi, train_mi_estimator
from mistcli.critics import JointCritic

mpl.use("Agg")
import matplotlib.pyplot as plt

ROWS = 100_000


def plot(logs: dict[str, pd.DataFrame], true_mi: float, path: Path) -> None:
    """Draw what was measured of the mutual information in each training, and the true value."""
    figure, axes = plt.subplots(1, len(logs), figsize=(4 * len(logs), 3.5), sharey=True, layout="constrained")
    for axis, (title, log) in zip(axes, logs.items(), strict=True):
        for split, part in log[log["name"] == "mi"].groupby("split"):
            axis.plot(part["epoch"], part["value"], label=f"{split} pairs")
        axis.axhline(true_mi, color="black", linestyle="--", label="true value")
        axis.set(title=title, xlabel="epoch")
        axis.legend(loc="lower right")
    axes[0].set_ylabel("mutual information (nats)")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(folder: Path) -> None:
    print("Samples of a bivariate normal, whose mutual information is known")
    torch.manual_seed(0)
    p_xy = MultivariateNormal(torch.zeros(2), torch.tensor([[1.0, 0.9], [0.9, 1.0]]))
    true_mi = (2 * Normal(0, 1).entropy() - p_xy.entropy()).item()
    samples = p_xy.sample([ROWS])
    x, y = samples[:, 0], samples[:, 1]
    print(f"  true value: {true_mi:.4f} nats")

    print("Basic: one call")
    settings = {"hidden_dims": [32, 32], "neg_samples": 16}
    mi, log = estimate_mi(
        estimator="js",
        data=(x, y),
        batch_size=128,
        max_epochs=5,
        valid_percentage=0.1,
        evaluation_batch_size=256,
        device="cpu",
        **settings,
    )
    print(f"  estimate_mi: {mi:.4f} nats; its log has {len(log)} rows of {', '.join(log)}")
    found = estimate((x, y), estimator="gaussian")
    low, high = found.interval.low, found.interval.high
    print(f"  estimate: {found.nats:.4f} nats, standard error {found.stderr:.4f}, from {low:.4f} to {high:.4f}")

    print("Intermediate: an estimator of one's own parts, trained and valued in two calls")
    joint_net = nn.Sequential(
        nn.Linear(2, 32), nn.ReLU(inplace=True), nn.Linear(32, 32), nn.ReLU(inplace=True), nn.Linear(32, 1)
    )
    estimator = estimators.JS(critic=JointCritic(joint_net=joint_net), neg_samples=16)
    print(estimator)
    own_log = train_mi_estimator(
        estimator=estimator, data=(x, y), max_epochs=2, batch_size=256, valid_percentage=0.1, device="cpu"
    )
    print(f"  evaluate_mi: {evaluate_mi(estimator, data=(x, y), batch_size=256):.4f} nats")

    print("The same with a factory, a DataLoader, another optimizer, and no validation")
    loader = DataLoader(SampleDataset({"x": x, "y": y}), batch_size=128, shuffle=True)
    estimator = estimators.js(x_dim=1, y_dim=1, critic_type="joint", **settings)
    loader_log = train_mi_estimator(
        estimator=estimator, data=loader, max_epochs=5, valid_percentage=0, optimizer_class=AdamW
    )
    print(f"  evaluate_mi: {evaluate_mi(estimator, data=loader, batch_size=128):.4f} nats")

    print("Advanced: the loop written by hand")
    estimator = estimators.js(x_dim=1, y_dim=1, critic_type="joint", **settings)
    optimizer = Adam(estimator.parameters(), lr=1e-3)
    for _ in range(2):
        for batch in loader:
            loss = estimator(batch["x"], batch["y"])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        values = [estimator.mutual_information(batch["x"], batch["y"]) for batch in loader]
    print(f"  mutual_information: {torch.stack(values).mean():.4f} nats")

    path = folder / "tutorial.png"
    plot({"estimate_mi": log, "own network": own_log, "DataLoader": loader_log}, true_mi, path)
    print(f"The logs are drawn in {path}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
