//! Synthetic log file content: events of a small account, with names and addresses reserved for examples.

use rand::Rng;
use serde::Serialize;
use serde_json::{Value, json};

use super::SimulateError;
use crate::time::Timestamp;

/// Length of the time before the minute in a log file's name that the events cover, in seconds.
const SPAN: i64 = 300;

/// API calls: source, name, whether the call only reads, name and value of the request parameter.
const CALLS: [(&str, &str, bool, &str, &str); 12] = [
    ("ec2.amazonaws.com", "DescribeInstances", true, "instancesSet", "i-0a1b2c3d4e5f60718"),
    ("sts.amazonaws.com", "AssumeRole", true, "roleSessionName", "deploy"),
    ("s3.amazonaws.com", "GetBucketAcl", true, "bucketName", "example-reports"),
    ("s3.amazonaws.com", "PutBucketPolicy", false, "bucketName", "example-reports"),
    ("kms.amazonaws.com", "Decrypt", true, "encryptionAlgorithm", "SYMMETRIC_DEFAULT"),
    ("iam.amazonaws.com", "ListUsers", true, "pathPrefix", "/"),
    ("iam.amazonaws.com", "CreateAccessKey", false, "userName", "ci-runner"),
    ("ec2.amazonaws.com", "AuthorizeSecurityGroupIngress", false, "groupId", "sg-0123456789abcdef0"),
    ("logs.amazonaws.com", "CreateLogStream", false, "logGroupName", "/aws/lambda/import"),
    ("cloudtrail.amazonaws.com", "LookupEvents", true, "maxResults", "50"),
    ("lambda.amazonaws.com", "UpdateFunctionConfiguration20150331v2", false, "functionName", "import"),
    ("ssm.amazonaws.com", "GetParameter", true, "name", "/example/database/host"),
];

const USERS: [&str; 4] = ["alice", "bob", "ci-runner", "backup"];
const AGENTS: [&str; 4] =
    ["aws-cli/2.27.49", "Boto3/1.39.4", "console.amazonaws.com", "APN/1.0 HashiCorp/1.0 Terraform/1.12.2"];

/// The inflated content of a log file, and the times of the oldest and newest event.
#[derive(Clone, Debug)]
pub(super) struct EventContent {
    pub(super) json: Vec<u8>,
    pub(super) oldest: Timestamp,
    pub(super) newest: Timestamp,
}

#[derive(Serialize)]
struct LogFile<'a> {
    #[serde(rename = "Records")]
    records: Vec<EventRecord<'a>>,
}

/// An event, with the fields in AWS's order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EventRecord<'a> {
    event_version: &'static str,
    user_identity: Value,
    event_time: String,
    event_source: &'static str,
    event_name: &'static str,
    aws_region: &'a str,
    #[serde(rename = "sourceIPAddress")]
    source_ip_address: String,
    user_agent: &'static str,
    request_parameters: Value,
    response_elements: Value,
    #[serde(rename = "requestID")]
    request_id: String,
    #[serde(rename = "eventID")]
    event_id: String,
    read_only: bool,
    event_type: &'static str,
    management_event: bool,
    recipient_account_id: &'a str,
    event_category: &'static str,
}

/// The content of a log file with `count` events of a region of an account, delivered at `minute`.
pub(super) fn content(
    random: &mut impl Rng,
    (account, region): (&str, &str),
    minute: Timestamp,
    count: u32,
) -> Result<EventContent, SimulateError> {
    let mut times: Vec<Timestamp> = (0..count).map(|_| minute.plus(-random.gen_range(0..SPAN))).collect();
    times.sort_unstable();
    let records = times.iter().map(|&time| record(random, account, region, time)).collect();
    let json =
        serde_json::to_vec(&LogFile { records }).map_err(|error| SimulateError::Spec(error.to_string()))?;
    let end = |time: Option<&Timestamp>| time.copied().unwrap_or(minute);
    Ok(EventContent { json, oldest: end(times.first()), newest: end(times.last()) })
}

/// The 16 random characters at the end of a log file's name.
pub(super) fn unique(random: &mut impl Rng) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    (0..16).filter_map(|_| pick(random, LETTERS)).map(|&byte| char::from(byte)).collect()
}

fn record<'a>(random: &mut impl Rng, account: &'a str, region: &'a str, time: Timestamp) -> EventRecord<'a> {
    let [first, ..] = CALLS;
    let &(source, name, read_only, parameter, value) = pick(random, &CALLS).unwrap_or(&first);
    EventRecord {
        event_version: "1.11",
        user_identity: identity(random, account),
        event_time: time.to_string(),
        event_source: source,
        event_name: name,
        aws_region: region,
        source_ip_address: format!("198.51.100.{}", random.gen_range(1..255)),
        user_agent: pick(random, &AGENTS).copied().unwrap_or_default(),
        request_parameters: json!({ parameter: value }),
        response_elements: if read_only { Value::Null } else { json!({ "_return": true }) },
        request_id: uuid(random),
        event_id: uuid(random),
        read_only,
        event_type: "AwsApiCall",
        management_event: true,
        recipient_account_id: account,
        event_category: "Management",
    }
}

fn identity(random: &mut impl Rng, account: &str) -> Value {
    let user = pick(random, &USERS).copied().unwrap_or_default();
    let id: String = unique(random).to_ascii_uppercase();
    if random.gen_bool(0.5) {
        return json!({
            "type": "IAMUser",
            "principalId": format!("AIDA{id}"),
            "arn": format!("arn:aws:iam::{account}:user/{user}"),
            "accountId": account,
            "userName": user,
        });
    }
    json!({
        "type": "AssumedRole",
        "principalId": format!("AROA{id}:{user}"),
        "arn": format!("arn:aws:sts::{account}:assumed-role/operations/{user}"),
        "accountId": account,
    })
}

/// A version 4 UUID.
fn uuid(random: &mut impl Rng) -> String {
    let value = random.r#gen::<u128>() & !(0xf << 76) & !(0x3 << 62) | 4 << 76 | 2 << 62;
    let hex = format!("{value:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

fn pick<'a, T>(random: &mut impl Rng, from: &'a [T]) -> Option<&'a T> {
    if from.is_empty() { None } else { from.get(random.gen_range(0..from.len())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_repeatable_and_its_times_are_its_events() {
        let minute = Timestamp::from_unix(1_788_222_000);
        let make = |seed| {
            content(&mut super::super::stream(seed, "x"), ("111122223333", "us-east-1"), minute, 3).unwrap()
        };
        assert_eq!(make(1).json, make(1).json);
        assert_ne!(make(1).json, make(2).json);
        let value: Value = serde_json::from_slice(&make(1).json).unwrap();
        let records = value["Records"].as_array().unwrap();
        assert_eq!(records.len(), 3);
        assert_eq!(records[0]["eventTime"], make(1).oldest.to_string());
        assert_eq!(records[2]["eventTime"], make(1).newest.to_string());
        assert_eq!(
            records[0]["eventID"].as_str().unwrap().split('-').map(str::len).collect::<Vec<_>>(),
            [8, 4, 4, 4, 12]
        );
    }
}
