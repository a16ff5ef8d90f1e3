//! Two proxies, measured in turns: A B, B A, A B, and so on, a second each.
//!
//! A machine's speed drifts, so what is compared are neighbours in time: each pair has a ratio, and the median of the
//! ratios counts. A pair with a wrong answer, or while something else used the cores, is thrown away.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::comparison::Side;
use crate::load::{Count, Load, Plan};
use crate::machine::{LOAD_CORE, PROXY_CORE};
use crate::peers::Site;
use crate::process::Running;
use crate::procfs;
use crate::requests::{Source, Tokens};
use crate::tokens::Mint;
use crate::verdicts;

/// How long a side is measured at a time, and how long it works before that.
const WINDOW: Duration = Duration::from_secs(1);
const SETTLE: Duration = Duration::from_millis(200);
const WARM_UP: Duration = Duration::from_millis(1500);

/// How much of one core others may use in a window.
pub(crate) const FOREIGN: f64 = 0.05;

/// Connections of the load generator.
const CONNECTIONS: usize = 64;

/// What one side took in one window.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// Run time of the proxy for a request, in microseconds.
    pub(crate) cpu: f64,
    /// The kernel's share of it.
    pub(crate) system: f64,
    pub(crate) per_second: f64,
    /// How much of its core the proxy used.
    pub(crate) busy: f64,
    /// What load generator, upstream and introspection used of a core.
    pub(crate) load: f64,
    /// Questions at the introspection endpoint for a request.
    pub(crate) asked: f64,
    /// What requests took in microseconds, at a fixed rate: the median, and what one in a hundred exceeds.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// What others used of a core meanwhile.
    pub(crate) foreign: f64,
}

/// Pairs that count, and what became of the others.
#[derive(Debug, Default)]
pub(crate) struct Pairs {
    pub(crate) kept: Vec<(Sample, Sample)>,
    /// Those during which others used the cores.
    pub(crate) disturbed: Vec<(Sample, Sample)>,
    /// What was wrong with those that had wrong answers.
    pub(crate) wrong: Vec<String>,
}

/// Measures until `wanted` pairs count, or twice as many have been tried.
///
/// While others use the cores it waits, as long as there is `patience`, which it uses up.
pub(crate) fn measure(
    site: &Site,
    mint: &Mint,
    a: Side,
    b: Side,
    wanted: usize,
    patience: &mut Duration,
) -> Result<Pairs> {
    let name = |side: Side| side.proxy.name();
    let mut a = Half::start(site, mint, a).with_context(|| name(a))?;
    let mut b = Half::start(site, mint, b).with_context(|| name(b))?;
    let mut pairs = Pairs::default();
    for round in 0..wanted * 2 {
        wait_for_quiet(patience)?;
        let pids = [a.proxy.pids.clone(), b.proxy.pids.clone()].concat();
        let windows = if round % 2 == 0 {
            let first = a.window(site, &pids)?;
            (first, b.window(site, &pids)?)
        } else {
            let first = b.window(site, &pids)?;
            (a.window(site, &pids)?, first)
        };
        match windows {
            (Window::Good(a), Window::Good(b)) if a.foreign.max(b.foreign) < FOREIGN => pairs.kept.push((a, b)),
            (Window::Good(a), Window::Good(b)) => pairs.disturbed.push((a, b)),
            (Window::Wrong(what), _) => pairs.wrong.push(format!("{}: {what}", name(a.side))),
            (_, Window::Wrong(what)) => pairs.wrong.push(format!("{}: {what}", name(b.side))),
        }
        if pairs.kept.len() >= wanted {
            break;
        }
    }
    Ok(pairs)
}

/// Waits until others leave the cores alone, or the patience is used up.
pub(crate) fn wait_for_quiet(patience: &mut Duration) -> Result<()> {
    const LOOK: Duration = Duration::from_millis(300);
    loop {
        let (began, idle) = (Instant::now(), procfs::idle()?);
        thread::sleep(LOOK);
        let busy = 2.0 * began.elapsed().as_secs_f64() - procfs::idle()?.saturating_sub(idle).as_secs_f64();
        // The proxies are up and do nothing; the kernel counts in steps of 10 ms.
        if busy < 0.1 * LOOK.as_secs_f64() || patience.is_zero() {
            return Ok(());
        }
        *patience = patience.saturating_sub(began.elapsed());
    }
}

enum Window {
    Good(Sample),
    Wrong(String),
}

/// One side: a proxy and its load generator.
struct Half {
    side: Side,
    proxy: Running,
    load: Load,
}

impl Half {
    /// Starts the proxy, checks how it judges, and warms it up.
    fn start(site: &Site, mint: &Mint, side: Side) -> Result<Self> {
        let proxy = side.proxy.start(site, side.setup)?;
        verdicts::check(&proxy, side.setup.checks, mint)?;
        let source = Source::new(mint, side.tokens, side.body, side.reuse)?;
        let once = source.len() as u64;
        let plan = Plan {
            address: proxy.address,
            source,
            connections: CONNECTIONS,
            reuse: side.reuse,
            rate: side.rate,
            cores: if side.setup.cores.len() > 1 { &[PROXY_CORE, LOAD_CORE] } else { &[LOAD_CORE] },
        };
        let load = Load::new(plan)?;
        load.begin()?;
        let began = Instant::now();
        // Tokens that are to be remembered have to be seen once.
        let see_all = matches!(side.tokens, Tokens::Thousand(_) | Tokens::Mixed(_) | Tokens::OpaqueThousand);
        let until = if see_all { once.min(5000) } else { 0 };
        let mut looks = 0;
        while began.elapsed() < WARM_UP || load.count().right + load.count().wrong < until {
            thread::sleep(Duration::from_millis(20));
            looks += 1;
            // Not by the clock: a machine that stands still for a while is no fault of the proxy.
            if looks > 1500 {
                bail!("it does not get warm: {:?}", load.count());
            }
        }
        load.end()?;
        Ok(Self { side, proxy, load })
    }

    fn window(&mut self, site: &Site, proxies: &[u32]) -> Result<Window> {
        let this = std::process::id();
        let network = procfs::network_threads();
        let known = || procfs::run_time(proxies) + procfs::run_time(&[this]) + procfs::run_time(&network);
        let begin = self.load.count();
        self.load.begin()?;
        thread::sleep(SETTLE);

        let (before, known_before, idle_before) = (self.mark(site), known(), procfs::idle()?);
        thread::sleep(WINDOW);
        let (after, known_after, idle_after) = (self.mark(site), known(), procfs::idle()?);

        let mut latencies = self.load.end()?;
        let all = self.load.count().since(begin);
        if all.wrong > 0 || all.broken > 0 {
            return Ok(Window::Wrong(tell(all)));
        }
        let count = after.count.since(before.count).right as f64;
        if count == 0.0 {
            return Ok(Window::Wrong("no request is answered".to_owned()));
        }
        let seconds = (after.at - before.at).as_secs_f64();
        let busy = 2.0 * seconds - (idle_after.saturating_sub(idle_before)).as_secs_f64();
        let foreign = busy - (known_after - known_before).as_secs_f64();
        let run = (after.proxy - before.proxy).as_secs_f64();
        let (user, system) = (after.modes.0 - before.modes.0, after.modes.1 - before.modes.1);
        latencies.sort_unstable();
        let percentile =
            |percent: usize| latencies.get(latencies.len() * percent / 100).map_or(0.0, |us| f64::from(*us));
        let cpu = run * 1e6 / count;
        Ok(Window::Good(Sample {
            cpu,
            system: cpu * system as f64 / (user + system).max(1) as f64,
            per_second: count / seconds,
            busy: run / seconds,
            load: (after.load - before.load).as_secs_f64() / seconds,
            asked: (after.asked - before.asked) as f64 / count,
            p50: percentile(50),
            p99: percentile(99),
            foreign: foreign / seconds,
        }))
    }

    fn mark(&self, site: &Site) -> Mark {
        Mark {
            at: Instant::now(),
            count: self.load.count(),
            proxy: procfs::run_time(&self.proxy.pids),
            modes: procfs::modes(&self.proxy.pids),
            load: procfs::run_time(&[std::process::id()]),
            asked: site.introspection.asked(),
        }
    }
}

struct Mark {
    at: Instant,
    count: Count,
    proxy: Duration,
    modes: (u64, u64),
    load: Duration,
    asked: u64,
}

fn tell(count: Count) -> String {
    format!(
        "{} answers as expected, {} others (the last {}), {} connections broken",
        count.right, count.wrong, count.last_wrong, count.broken
    )
}
