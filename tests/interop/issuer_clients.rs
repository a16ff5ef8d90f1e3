//! Clients and a browser that know nothing of Bearward get along with `bearward issuer`: npm `openid-client` and
//! `oauth4webapi`, PyPI `authlib`, and Debian's chromium. Their scripts stand in `tests/issuer-clients`.

mod browser;
mod libraries;
mod tenant;
