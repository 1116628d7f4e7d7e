//! Tells the files of one place apart from others in the folder of an account, by the digests of a day.

use std::path::Path;
use std::sync::Arc;

use super::delivered::delivered_below;
use super::open_file;
use crate::digest::DigestFile;
use crate::gzip;
use crate::ident::Location;
use crate::store::Object;
use crate::store::directory::shared::{SharedFolder, hash_of};
use crate::store::files::CopyFiles;

/// Most bytes to which a digest inflates that is read to tell files apart.
const MAX_DIGEST: u64 = 8 << 20;

/// The account's folder `dir`, with the files that the digests in the folder `digests` give to the account's full path
/// `base` in S3 as part 0. The digests are parsed and not proved: what they say serves only to explain what is missing.
pub(in crate::store::directory) fn tell_apart(
    files: &Arc<dyn CopyFiles>,
    dir: &Path,
    digests: &Path,
    base: &str,
) -> SharedFolder {
    let mut folder = SharedFolder { dir: dir.to_owned(), ..SharedFolder::default() };
    let is_here = |location: &Location| {
        let below = format!("{}/{}", location.bucket, location.key);
        below.strip_prefix(base).is_some_and(|below| below.starts_with('/'))
    };
    let found = delivered_below(&**files, digests).digests;
    for file in found.iter().filter_map(|path| parsed(open_file(files, path)?)) {
        if is_here(file.location()) {
            let names =
                std::iter::once(file.location()).chain(file.claimed_logs().filter(|log| is_here(log)));
            folder.owners.extend(names.map(|location| (hash_of(location.name()), 0)));
        }
    }
    folder
}

fn parsed(mut object: Object) -> Option<DigestFile> {
    let (bytes, _) = gzip::inflate(&mut *object.body, object.encoding, MAX_DIGEST).ok()?;
    DigestFile::parse(&bytes).ok()
}
