//! tonic's router finds a service by its name, so a protected service keeps it.

use tonic::server::NamedService;

use crate::require::Required;
use crate::service::Bearward;

impl<S: NamedService> NamedService for Bearward<S> {
    const NAME: &'static str = S::NAME;
}

impl<S: NamedService> NamedService for Required<S> {
    const NAME: &'static str = S::NAME;
}
