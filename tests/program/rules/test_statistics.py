"""Student's t against printed tables and exact values; an interval by hand."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from program.rules.statistics import incomplete_beta, interval, mean, t_cdf, t_quantile, variance

# NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2, critical values of Student's t (upper tail).
TABLE = [
    (1, 0.95, 6.314), (1, 0.975, 12.706), (2, 0.975, 4.303), (5, 0.99, 3.365), (10, 0.975, 2.228), (30, 0.95, 1.697),
    (100, 0.975, 1.984), (10, 0.90, 1.372),
]  # fmt: skip


@pytest.mark.parametrize(("df", "share", "expected"), TABLE)
def test_quantiles_of_the_table(df, share, expected):
    assert t_quantile(share, df) == pytest.approx(expected, abs=5e-4)
    assert t_quantile(1 - share, df) == pytest.approx(-expected, abs=5e-4)


def test_exact_values():
    # With one degree of freedom it is Cauchy's distribution, with two it has a closed form too.
    assert t_cdf(1.0, 1) == pytest.approx(0.75, abs=1e-12)
    assert t_cdf(2.0, 2) == pytest.approx(0.5 + 2.0 / (2 * 6**0.5), abs=1e-12)
    assert incomplete_beta(2.0, 3.0, 0.4) == pytest.approx(0.5248, abs=1e-12)
    assert t_quantile(0.975, 1e6) == pytest.approx(1.959966, abs=1e-5)


@given(st.floats(0.01, 0.99), st.floats(0.5, 1e4))
@example(0.5000000000000001, 2.0)
def test_a_quantile_undoes_the_distribution(share, df):
    assert t_cdf(t_quantile(share, df), df) == pytest.approx(share, abs=1e-9)


def test_shares_and_freedom_that_are_none():
    for share, df in ((0.0, 5), (1.0, 5), (0.5, 0)):
        with pytest.raises(ValueError, match="a share between 0 and 1 and df > 0 were expected"):
            t_quantile(share, df)


def test_mean_variance_and_interval_by_hand():
    values = [1, 2, 3, 4, 5]
    assert (mean(values), variance(values)) == (3.0, 2.5)
    found = interval(3.0, 0.5**0.5, 4.0)
    assert (found.low, found.high) == (pytest.approx(3 - 2.776445 * 0.5**0.5), pytest.approx(3 + 2.776445 * 0.5**0.5))


def test_no_error_no_width():
    assert interval(1.0, 0.0, 5.0)[:3] == (1.0, 1.0, 1.0)
