#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| trailproof_fuzz::checks::archive::check(bytes));
