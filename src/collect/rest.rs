//! Reads what a run listed and did not read: log files that no proved digest lists, and objects beside. Without them, a
//! copy of a bucket with a forged log file would be `intact`.

use std::sync::Mutex;
use std::sync::PoisonError;

use super::CollectingStore;
use crate::ident::Location;
use crate::store::{Store as _, StoreError};
use crate::validate::CancelFlag;

impl CollectingStore {
    /// Reads the objects that were listed and not read. Returns whether all were read: a cancelled collection leaves
    /// the rest to the next.
    pub fn collect_rest(&self, stop: &CancelFlag) -> bool {
        let collection = self.collection();
        self.disagreements().iter().for_each(|found| collection.note_disagreement(found));
        let unread: Vec<Location> = {
            let unread = collection.unread.lock().unwrap_or_else(PoisonError::into_inner);
            unread.keys().cloned().collect()
        };
        let (unfit, fit): (Vec<_>, Vec<_>) =
            unread.into_iter().partition(|location| collection.unfit(location).is_some());
        for location in &unfit {
            collection.leave_out(location, collection.unfit(location).unwrap_or_default());
        }
        let queue = Mutex::new(fit.iter().enumerate());
        let next = || {
            let is_over = stop.is_set() || collection.failure().is_some();
            let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
            queue.next().filter(|_| !is_over).map(|(number, location)| (number, location.clone()))
        };
        self.get_each(&next, &mut |number, object| {
            if let (Err(error), Some(location)) = (object, fit.get(number)) {
                let reason = match error {
                    StoreError::NotFound => "listed, and not found when it was read".to_owned(),
                    error => error.to_string(),
                };
                collection.leave_out(location, &reason);
            }
        });
        let is_whole = !stop.is_set() && collection.failure().is_none();
        if is_whole && let Err(error) = collection.note_lost() {
            collection.fail(&error);
        }
        is_whole && collection.failure().is_none()
    }
}
