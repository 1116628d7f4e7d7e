//! Messages and hints of every fault.
