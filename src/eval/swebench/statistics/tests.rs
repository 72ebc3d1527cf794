#![expect(clippy::float_cmp, reason = "ends of intervals are exact")]

use super::*;

fn near(value: f64, expected: f64) {
    assert!((value - expected).abs() < 5e-5, "{value} is not {expected}");
}

#[test]
fn wilsons_interval_is_as_tabulated() {
    let interval = wilson(7, 10).unwrap();
    near(interval.low, 0.39678);
    near(interval.high, 0.89221);
    assert_eq!(wilson(0, 10).unwrap().low, 0.0);
    near(wilson(0, 10).unwrap().high, 0.27753);
    assert_eq!(wilson(10, 10).unwrap().high, 1.0);
    assert_eq!(wilson(0, 0), None);
}

#[test]
fn chances_within_several_attempts_are_unbiased() {
    near(pass_at_k(5, 2, 1).unwrap(), 0.4);
    near(pass_at_k(5, 2, 2).unwrap(), 0.7);
    near(pass_at_k(5, 2, 4).unwrap(), 1.0);
    near(pass_hat_k(5, 2, 1).unwrap(), 0.4);
    near(pass_hat_k(5, 2, 2).unwrap(), 0.1);
    near(pass_hat_k(5, 2, 3).unwrap(), 0.0);
    assert_eq!((pass_at_k(2, 1, 3), pass_at_k(2, 1, 0), pass_hat_k(2, 1, 3)), (None, None, None));
}

#[test]
fn mcnemars_test_is_exact() {
    near(mcnemar(0, 0), 1.0);
    near(mcnemar(5, 0), 0.0625);
    near(mcnemar(8, 2), 0.109_375);
    near(mcnemar(4, 4), 1.0);
    assert!(mcnemar(3000, 2500) < 1e-6 && mcnemar(3000, 2500) > 0.0, "large numbers do not vanish");
}

#[test]
fn variance_is_largest_in_the_middle() {
    near(variance(4, 2).unwrap(), 0.25);
    near(variance(4, 4).unwrap(), 0.0);
    assert_eq!(variance(0, 0), None);
}
