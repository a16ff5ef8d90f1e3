//! `bearward run` and `bearward check`: a configuration, and the gateway that it describes.

use std::time::Duration;

use anyhow::Context;
use tokio::runtime::Runtime;
use tokio::time;

use crate::cli::{CheckArgs, RunArgs};
use crate::exit::{Exit, OrStop, Outcome, Stop};
use crate::gateway::Gateway;
use crate::logging::{self, Log};
use crate::output;
use crate::signals::Signals;
use bearward_config::{Config, Overrides};
use bearward_gate::MetricsRegistry;

/// Runs the gateway until it is told to stop.
pub(crate) fn run(args: &RunArgs) -> Outcome {
    let config = match bearward_config::load(&args.source.config, &overrides(args)) {
        Ok(config) => config,
        Err(problems) => {
            output::err(&problems.to_string());
            return Ok(Exit::Config);
        }
    };
    let log = logging::start(&config.log).or_stop(Exit::Config)?;
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    // Told through the log, whose reader may have stopped: a write of our own would wait for it.
    Ok(logged(config, &log).unwrap_or_else(|stop| {
        log.last_word(&format!("bearward: {stop}"));
        stop.exit()
    }))
}

fn logged(config: Config, log: &Log) -> Outcome {
    let registry = MetricsRegistry::default();
    log.register(&registry)?;
    let runtime = runtime()?;
    let exit = runtime.block_on(serve(config, &runtime, registry));
    // Whatever is still under way there has nobody left to work for.
    runtime.shutdown_background();
    exit
}

/// Reads a configuration and says what it means.
pub(crate) fn check(args: &CheckArgs) -> Outcome {
    let (path, overrides) = (&args.source.config, Overrides::default());
    let told = match args.show {
        true => bearward_config::load_and_show(path, &overrides),
        false => bearward_config::load(path, &overrides).map(|config| bearward_config::report(&config)),
    };
    match told {
        Ok(told) => {
            output::out(&told)?;
            // `run` goes on without them, and so does this: the machine may be another one.
            for problem in bearward_gate::check_machine_roots() {
                output::err(&format!("warning: {problem}"));
            }
            Ok(Exit::Success)
        }
        Err(problems) => {
            output::err(&problems.to_string());
            Ok(Exit::Config)
        }
    }
}

/// The runtime of everything but the proxy: key fetches, introspection and the admin server.
pub(crate) fn runtime() -> Result<Runtime, Stop> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name("gate").enable_all().build();
    Ok(runtime.context("cannot start the runtime")?)
}

async fn serve(config: Config, runtime: &Runtime, registry: MetricsRegistry) -> Outcome {
    let mut signals = Signals::listen()?;
    let patience = config.proxy.drain + DRAIN_MARGIN;
    let mut gateway = Gateway::start(config, runtime.handle(), registry)?;
    tokio::select! {
        started = gateway.listening() => started?,
        signal = signals.stop() => {
            tracing::info!(signal, "stopped before it listened");
            return Ok(Exit::Success);
        }
    }
    tracing::info!(version = env!("CARGO_PKG_VERSION"), admin = %gateway.admin(), "started");

    tokio::select! {
        ended = gateway.ended() => ended.or_stop(Exit::Unavailable)?,
        signal = signals.stop() => tracing::info!(signal, "draining"),
    }
    gateway.drain();
    tokio::select! {
        ended = gateway.ended() => {
            ended.or_stop(Exit::Failure)?;
            tracing::info!("drained");
            Ok(Exit::Success)
        }
        () = signals.interrupt() => {
            tracing::warn!("interrupted again: ending now");
            Ok(Exit::Interrupted)
        }
        () = time::sleep(patience) => {
            tracing::error!("requests are still under way after the time to drain: ending now");
            Ok(Exit::Failure)
        }
    }
}

/// How much longer than its own limit the proxy may take to end, before it is left behind.
const DRAIN_MARGIN: Duration = Duration::from_secs(10);

fn overrides(args: &RunArgs) -> Overrides {
    let mut overrides = Overrides::default();
    overrides.listen = args.listen;
    overrides.admin_listen = args.admin_listen;
    overrides.log_level.clone_from(&args.log_level);
    overrides.log_format = args.log_format.map(Into::into);
    overrides
}
