//! Medians and quartiles.

/// The middle of what was measured, and its quarters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Summary {
    pub(crate) low: f64,
    pub(crate) median: f64,
    pub(crate) high: f64,
}

/// Of any numbers; `None` where there are none.
pub(crate) fn summary(values: impl IntoIterator<Item = f64>) -> Option<Summary> {
    let mut sorted: Vec<f64> = values.into_iter().collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| {
        let place = share * (sorted.len() - 1) as f64;
        let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
        low + (high - low) * place.fract()
    };
    (!sorted.is_empty()).then(|| Summary { low: at(0.25), median: at(0.5), high: at(0.75) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles() {
        assert_eq!(summary([]), None);
        assert_eq!(summary([4.0, 1.0, 2.0, 3.0]), Some(Summary { low: 1.75, median: 2.5, high: 3.25 }));
        assert_eq!(summary([7.0]), Some(Summary { low: 7.0, median: 7.0, high: 7.0 }));
    }
}
