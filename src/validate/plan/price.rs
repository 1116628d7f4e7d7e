//! S3's prices for reading: S3 Standard in us-east-1, the list prices of 2026, without taxes and discounts.
//!
//! Source: <https://aws.amazon.com/s3/pricing/>, "Requests & data retrievals" and "Data transfer". Other regions and
//! storage classes cost more: the result is an order of magnitude and no bill.

/// One LIST request, in billionths of a US dollar: $0.005 per 1,000.
const LIST_NANOS: u64 = 5_000;

/// One GET request, in billionths of a US dollar: $0.0004 per 1,000.
const GET_NANOS: u64 = 400;

/// One GB (10⁹ bytes) to the internet, in billionths of a US dollar: $0.09. Within the region, transfer is free.
const TRANSFER_NANOS_PER_GB: u64 = 90_000_000;

/// GB of an account's transfer to the internet that are free in a month, over all services and regions.
pub const FREE_TRANSFER_GB: u64 = 100;

const BYTES_PER_GB: u128 = 1_000_000_000;

/// An amount of money in US dollars, exact to a billionth.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub struct Usd(u64);

impl Usd {
    /// `nanos` billionths of a dollar.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Billionths of a dollar.
    #[must_use]
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// Dollars.
    #[must_use]
    pub fn dollars(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

/// The bill of S3 for a run.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Cost {
    /// LIST and GET requests: the whole bill for a run in the bucket's region.
    pub requests: Usd,
    /// The most that a run outside of AWS adds: transfer to the internet. The month's free [`FREE_TRANSFER_GB`] count
    /// as used up, since their use is unknown here.
    pub transfer_to_internet: Usd,
}

impl Cost {
    /// The cost of a number of requests and bytes.
    pub(super) fn of(list: u64, get: u64, bytes: u64) -> Self {
        let requests = list.saturating_mul(LIST_NANOS).saturating_add(get.saturating_mul(GET_NANOS));
        let transfer = u128::from(bytes) * u128::from(TRANSFER_NANOS_PER_GB) / BYTES_PER_GB;
        Self {
            requests: Usd(requests),
            transfer_to_internet: Usd(u64::try_from(transfer).unwrap_or(u64::MAX)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prices_are_those_of_the_page() {
        let cost = Cost::of(1_000, 1_000, 1_000_000_000);
        assert_eq!(cost.requests, Usd(5_000_000 + 400_000));
        assert_eq!(cost.requests.dollars(), 0.0054);
        assert_eq!(cost.transfer_to_internet.dollars(), 0.09);
        assert_eq!(Cost::of(0, 0, 0), Cost::default());
        assert_eq!(Cost::of(u64::MAX, u64::MAX, u64::MAX).requests, Usd(u64::MAX));
    }
}
