//! nginx: as it is where it forwards; with Lua, OpenSSL and an LRU cache of verified tokens where it checks.

use std::process::Command;

use anyhow::{Result, bail};

use super::{Checks, Place, Remembers, program};
use crate::keys::Algorithm;

const MODULES: &str = "load_module /usr/lib/nginx/modules/ndk_http_module.so;
load_module /usr/lib/nginx/modules/ngx_http_lua_module.so;";

const LUA: &str = "lua_package_path \"@RUN@/?.lua;/usr/share/lua/5.1/?.lua;;\";
  init_worker_by_lua_block { jwt = require \"jwt\" }";

/// With its defaults, a body of 100 KB costs nginx twice as much.
const BUFFERS: &str = "client_body_buffer_size 128k; proxy_buffers 8 32k;";

pub(super) fn command(place: &Place<'_>) -> Result<Command> {
    let path = place.site.installed.nginx.clone()?;
    let access = match place.setup.checks {
        Checks::Nothing => String::new(),
        Checks::SelfContained(Algorithm::EdDsa) => bail!("nginx with lua-luaossl verifies no EdDSA"),
        Checks::SelfContained(algorithm) => {
            let remembers = place.setup.remembers != Remembers::Never;
            format!("access_by_lua_block {{ jwt.access(\"{}\", {remembers}) }}", algorithm.name())
        }
        Checks::Referential => bail!("nginx is not set up for introspection here"),
    };
    let (modules, lua) = if access.is_empty() { ("", "") } else { (MODULES, LUA) };
    place.write("jwt.lua", include_str!("../../peers/jwt.lua"), &[])?;
    let buffers = if place.setup.default_buffers { "" } else { BUFFERS };
    let values = [("BUFFERS", buffers), ("MODULES", modules), ("LUA", lua), ("ACCESS", access.as_str())];
    let config = place.write("nginx.conf", include_str!("../../peers/nginx.conf"), &values)?;
    let run = place.run.display().to_string();
    Ok(program(&path, &["-p", &run, "-e", &format!("{run}/nginx.log"), "-c", &config.display().to_string()]))
}
