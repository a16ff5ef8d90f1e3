//! Random variation of pauses.

use std::time::Duration;

/// The pause, up to a tenth shorter, so that many gateways do not send requests at the same moment.
pub(crate) fn jittered(pause: Duration) -> Duration {
    let mut byte = [0u8];
    // Without randomness the pause is not shortened, which does no harm.
    let _ = aws_lc_rs::rand::fill(&mut byte);
    let [byte] = byte;
    pause.saturating_sub(pause.mul_f64(f64::from(byte) / 2_560.0))
}
