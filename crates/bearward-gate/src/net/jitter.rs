//! Pauses that are not in step.

use std::time::Duration;

/// Up to a tenth less, so that many gateways do not ask in step.
pub(crate) fn jittered(pause: Duration) -> Duration {
    let mut byte = [0u8];
    // Without randomness the pause is whole; nothing depends on it.
    let _ = aws_lc_rs::rand::fill(&mut byte);
    let [byte] = byte;
    pause.saturating_sub(pause.mul_f64(f64::from(byte) / 2_560.0))
}
