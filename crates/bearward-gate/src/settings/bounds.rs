//! The bounds of every duration in the settings. A shorter one would send requests to an issuer without a pause, a longer one
//! would never end in practice, or overflow a clock.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::{GateError, IssuerSettings};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// [`IssuerSettings::leeway`]: "usually no more than a few minutes" (RFC 9068, 4).
pub const LEEWAY: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(300);
/// [`IssuerSettings::timeout`] and [`IntrospectionSettings::timeout`](crate::IntrospectionSettings::timeout).
pub const TIMEOUT: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(60);
/// [`RefreshSettings::min`](crate::RefreshSettings::min).
pub const REFRESH_MIN: RangeInclusive<Duration> = SECOND..=DAY;
/// [`RefreshSettings::max`](crate::RefreshSettings::max), which must not be less than `min`.
pub const REFRESH_MAX: RangeInclusive<Duration> = SECOND..=Duration::from_secs(7 * 24 * 3_600);
/// [`RefreshSettings::stale`](crate::RefreshSettings::stale).
pub const STALE: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(30 * 24 * 3_600);
/// [`RefreshSettings::cooldown`](crate::RefreshSettings::cooldown).
pub const COOLDOWN: RangeInclusive<Duration> = SECOND..=HOUR;
/// [`IntrospectionSettings::cache_ttl`](crate::IntrospectionSettings::cache_ttl) and `negative_ttl`.
pub const CACHE_TTL: RangeInclusive<Duration> = Duration::ZERO..=HOUR;
/// [`IntrospectionSettings::breaker_pause`](crate::IntrospectionSettings::breaker_pause).
pub const BREAKER_PAUSE: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(600);
/// [`CacheSettings::max_age`](crate::CacheSettings::max_age).
pub const MAX_AGE: RangeInclusive<Duration> = Duration::ZERO..=DAY;

/// Checks the durations of one issuer.
pub(crate) fn check(settings: &IssuerSettings) -> Result<(), GateError> {
    if !LEEWAY.contains(&settings.leeway) {
        return Err(GateError::LeewayTooLarge { issuer: settings.issuer.clone() });
    }
    let refresh = &settings.refresh;
    let own = [
        ("timeout", settings.timeout, TIMEOUT),
        ("refresh.min", refresh.min, REFRESH_MIN),
        ("refresh.max", refresh.max, *REFRESH_MAX.start().max(&refresh.min)..=*REFRESH_MAX.end()),
        ("refresh.stale", refresh.stale, STALE),
        ("refresh.cooldown", refresh.cooldown, COOLDOWN),
    ];
    let asked = settings.introspection.iter().flat_map(|asked| {
        [
            ("introspection.timeout", asked.timeout, TIMEOUT),
            ("introspection.cache_ttl", asked.cache_ttl, CACHE_TTL),
            ("introspection.negative_ttl", asked.negative_ttl, CACHE_TTL),
            ("introspection.breaker_pause", asked.breaker_pause, BREAKER_PAUSE),
        ]
    });
    let of_issuer = |name: &str| format!("issuer `{}`: {name}", settings.issuer);
    own.into_iter().chain(asked).try_for_each(|(name, value, bounds)| within(value, &bounds, || of_issuer(name)))
}

/// Checks one duration.
pub(crate) fn within(
    value: Duration,
    bounds: &RangeInclusive<Duration>,
    setting: impl FnOnce() -> String,
) -> Result<(), GateError> {
    if bounds.contains(&value) {
        return Ok(());
    }
    Err(GateError::OutOfBounds { setting: setting(), value, least: *bounds.start(), most: *bounds.end() })
}
