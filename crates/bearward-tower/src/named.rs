//! tonic's router finds a service by its name, which protection does not change.

use tonic::server::NamedService;

use crate::require::Required;
use crate::service::Bearward;

impl<S: NamedService> NamedService for Bearward<S> {
    const NAME: &'static str = S::NAME;
}

impl<S: NamedService> NamedService for Required<S> {
    const NAME: &'static str = S::NAME;
}
