"""The constants of `auto`: what each is, and where it comes from.

"Fitted" means: chosen on random tables of seeds 0 to 999 (`mist bench --tasks random:0:700`), never on those from
10,000 on, from which docs/accuracy.md reports.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CONSTANTS", "Constants"]


@dataclass(frozen=True)
class Constants:
    """All constants of `auto`.

    Arguments:
        k: Neighbours of a point. The bias grows with k where dependence is strong, and 3 is the fewest for which
            Kraskov et al. (2004) recommend the estimator: of 3, 5 and 8 the error was least with 3 (0.117, 0.138,
            0.165, fitted).
        shared: How much wider estimates by neighbours spread than their local terms tell, since near rows share
            neighbours; see `mistcli.numerics.neighbours.SHARED`.
        shrink: By how many standard errors neighbours must exceed a copula to be believed at all where kernel densities
            see nothing beyond it (fitted: 0.5 to
            1.5 are equal within 4 %).
        kernel_doubt: By how many standard errors kernel densities must lower the loss of a classifier to count.
        sure_from: The gain of kernel densities over the copula, in standard errors, from which on neighbours are
            doubted less,
        sure_at: and that at which they are not doubted.
        scales: By what x is stretched before neighbours are looked for, in one column a side.
        scale_doubt: By how many standard errors the value must grow for another scale to be taken, of the four there
            are.
        growing: The share of what all rows tell more than halves of them that is added to the estimate (fitted; 1 would
            be right if the bias fell like 1/N, and 0 if it had ended).
        halved_rows: The fewest rows of which halves are looked at.
        doubt: By how many standard errors an estimate from fewer columns must exceed that from all to count.
        ross_doubt: By how many standard errors neighbours within classes must exceed classifiers to count.
        block_doubt: By how many standard errors neighbours in blocks of columns must exceed all before to count: they
            are the largest of up to four.
        critic_doubt: By how many standard errors critics must exceed the closed forms to count.
        tied: The share of rows with one value from which on ties are broken before a copula is fitted.
        widths: The widths of kernels of both sides, in units of :math:`N^{-1/(D + 4)}`, the rate of Scott's rule
            (1992).
        kernel_scales: The widths of kernels within classes, in units of Silverman's rule (1986).
        kernel_columns: The most columns of a kernel density: in more, 1,000 rows leave no neighbour within a width.
        kernel_rows: The most rows of a kernel density of more than a column a side; time grows with their square.
        additive_columns: The most columns of which kernel densities are multiplied.
        quadratic_columns: The most columns with a covariance of each class.
        rows_a_column: The fewest rows of the smallest class for each column of a covariance of its own.
        rows_a_level: The fewest rows for each level where neighbours are asked beside classes.
        neighbour_columns: The most columns in which neighbours are asked: in more, they find less than half of the
            truth.
        neighbour_rows: The most rows of which neighbours are asked; bounds the time.
        negatives: The fewest negatives of a pair by which members are weighed.
        most_negatives: The most.
        negative_pairs: The negatives of all pairs, within these limits.
        stratum_rows: The fewest rows of a value of a discrete part given which the rest is looked at.
        strata: The most values of a discrete part beside classes that are taken apart, rather than made features.
        block_rows: The fewest rows in which blocks of columns are looked for.
        critic_rows: The fewest rows from which critics are trained: of fewer, they found nothing that the closed forms
            did not, at ten times the time (fitted).
        critic_columns: The fewest columns of both sides together from which critics are trained: in fewer, neighbours
            find as much in a hundredth of the time.
        critic_rows_a_column: The fewest rows a column with which critics see all columns; with fewer they see those
            alone in which dependence was seen.
        training_rows: The most rows of a fold that train critics: the error of the 40 tasks of Beyond Normal no longer
            falls where the copula and the readout keep all rows.
        probe_steps: The training steps of a probe.
        probe_batch: The pairs of a step of a probe.
        probe_doubt: By how many standard errors the loss of a probe must fall for critics to be trained.
        unseen: The standard error of what critics learn beyond a copula, as a share of it (fitted on `mist bench`).
        low: The factors of the terms of the squared standard error towards smaller values, in the order of
            `mistcli.auto.errors` (fitted, `benchmarks/calibrate.py`).
        high: Those towards larger values.
        discrete_low: The same for discrete sides, in the order of `mistcli.auto.discrete` (fitted on 129 tables of
            seeds 0 to 3: 84 % of the intervals of 90 % held before, 89 % of those of tables left out of the fit do, and
            3 instead of 11 % of the estimates are confidently wrong).
        discrete_high: Those towards larger values.
    """

    k: int = 3
    shared: float = 1.3
    shrink: float = 1.2
    kernel_doubt: float = 1.0
    sure_from: float = 2.0
    sure_at: float = 3.0
    scales: tuple[float, ...] = (4.0, 16.0, 0.25, 0.0625)
    scale_doubt: float = 1.5
    growing: float = 0.5
    halved_rows: int = 40
    doubt: float = 1.0
    ross_doubt: float = 2.0
    block_doubt: float = 2.0
    critic_doubt: float = 0.8
    tied: float = 0.03
    widths: tuple[float, ...] = (2.0, 1.0, 0.5, 0.25)
    kernel_scales: tuple[float, ...] = (1.0, 0.4)
    kernel_columns: int = 4
    kernel_rows: int = 4_000
    additive_columns: int = 12
    quadratic_columns: int = 60
    rows_a_column: int = 3
    rows_a_level: int = 3
    neighbour_columns: int = 6
    neighbour_rows: int = 50_000
    negatives: int = 8
    most_negatives: int = 32
    negative_pairs: int = 20_000
    stratum_rows: int = 40
    strata: int = 6
    block_rows: int = 200
    critic_rows: int = 1_000
    critic_columns: int = 4
    critic_rows_a_column: int = 100
    training_rows: int = 16_000
    probe_steps: int = 200
    probe_batch: int = 256
    probe_doubt: float = 2.0
    unseen: float = 0.03
    low: tuple[float, ...] = (1.0, 0.6, 0.3, 0.04, 2.0, 0.05, 0.03)
    high: tuple[float, ...] = (1.6, 14.0, 20.0, 1.5, 3.0, 1.0, 0.7)
    discrete_low: tuple[float, ...] = (0.62, 0.0002)
    discrete_high: tuple[float, ...] = (0.68, 0.0102)


CONSTANTS = Constants()
