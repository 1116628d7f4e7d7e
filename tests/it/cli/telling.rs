//! `--hook` and `--ping` through the real binary: what they are told, and that nothing that they do changes the result.

#[cfg(unix)]
mod hooks;
#[cfg(all(unix, feature = "aws"))]
mod pings;
