//! The SDK's own client, asked for objects one after the other and for nothing else.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use aws_sdk_s3::Client;

use crate::deliveries::BUCKET;
use crate::kernel;

/// `DIR PART AT_ONCE`: reads every object of the delivery whose key has PART, and prints how many seconds that took.
pub fn run(words: &[&str]) {
    let &[dir, part, at_once] = words else { panic!("sdk DIR PART AT_ONCE") };
    let bucket = Path::new(dir).join(BUCKET);
    let keys = kernel::files(&bucket, part).into_iter();
    let keys: Vec<String> =
        keys.map(|path| path.strip_prefix(&bucket).unwrap().to_str().unwrap().to_owned()).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(read(Arc::new(keys), at_once.parse().unwrap()));
}

async fn read(keys: Arc<Vec<String>>, at_once: usize) {
    let config = aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await;
    let config = aws_sdk_s3::config::Builder::from(&config).force_path_style(true).build();
    let client = Client::from_conf(config);
    let next = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let work = |_| tokio::spawn(work(client.clone(), Arc::clone(&keys), Arc::clone(&next)));
    let workers: Vec<_> = (0..at_once).map(work).collect();
    for worker in workers {
        worker.await.unwrap();
    }
    println!("figure {}", begun.elapsed().as_secs_f64());
}

async fn work(client: Client, keys: Arc<Vec<String>>, next: Arc<AtomicUsize>) {
    while let Some(key) = keys.get(next.fetch_add(1, Ordering::Relaxed)) {
        let answer = client.get_object().bucket(BUCKET).key(key).send().await.unwrap();
        std::hint::black_box(answer.body.collect().await.unwrap());
    }
}
