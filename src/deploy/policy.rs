//! The IAM policy of a run: actions and resources that plan, shards and merge need.
//!
//! Actions and their resources are those of the [service authorization
//! reference](https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html): `ListPublicKeys` and
//! `DescribeTrails` of CloudTrail know no resources, so `*` stands there.

use serde_json::{Value, json};

use super::{DeployRequest, Place, quote};

/// The statement for objects that are encrypted with a key of KMS.
pub(super) const KMS: &str = r#"{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "ARN of the key"}"#;

/// What a recipe may do in AWS.
pub(super) struct Policy {
    statements: Vec<Value>,
    partition: &'static str,
}

impl Policy {
    /// The policy of a request that works in `work`.
    pub(super) fn of(request: &DeployRequest, work: &Place) -> Self {
        let mut policy = Self { statements: Vec::new(), partition: partition(request) };
        for source in &request.sources {
            policy.read(source);
        }
        if request.asks_keys {
            policy.allow("Keys", json!("cloudtrail:ListPublicKeys"), json!("*"));
        }
        policy.write("Work", work, Some("results"));
        if let Some(state) = &request.state {
            policy.write("State", state, None);
        }
        policy
    }

    pub(super) fn is_empty(&self) -> bool {
        self.statements.is_empty()
    }

    /// The part of an ARN that tells commercial regions, China and GovCloud apart.
    pub(super) fn partition(&self) -> &'static str {
        self.partition
    }

    /// Adds what the workers of a state machine need.
    pub(super) fn with_tasks(&self) -> Self {
        let mut policy = Self { statements: self.statements.clone(), partition: self.partition };
        let queue = policy.named("sqs", "trailproof");
        let machine = policy.named("states", "stateMachine:trailproof");
        policy.allow(
            "Tasks",
            json!(["sqs:GetQueueUrl", "sqs:ReceiveMessage", "sqs:DeleteMessage"]),
            queue.into(),
        );
        let answers = ["states:SendTaskSuccess", "states:SendTaskFailure", "states:SendTaskHeartbeat"];
        // Answers come from tasks of the machine itself and of the map in it.
        policy.allow("Answers", json!(answers), json!([machine, format!("{machine}/*")]));
        policy
    }

    /// The policy of the state machine itself, by
    /// [distributed maps](https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html).
    pub(super) fn of_machine(&self, work: &Place) -> Self {
        let mut policy = Self { statements: Vec::new(), partition: self.partition };
        let machine = policy.named("states", "stateMachine:trailproof");
        policy.allow("Tasks", json!("sqs:SendMessage"), policy.named("sqs", "trailproof").into());
        policy.allow("Map", json!("states:StartExecution"), json!(machine));
        let executions = policy.named("states", "execution:trailproof/*");
        let ends = json!(["states:DescribeExecution", "states:StopExecution"]);
        policy.allow("MapRuns", ends, json!(executions));
        if let Place::Bucket { bucket, prefix } = work {
            let numbers = policy.objects(bucket, prefix, "*/shards.json");
            policy.allow("Numbers", json!("s3:GetObject"), json!(numbers));
        }
        policy
    }

    /// The policy as JSON.
    pub(super) fn text(&self) -> String {
        let lines: Vec<String> = self.statements.iter().map(|one| format!("    {one}")).collect();
        format!("{{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n{}\n  ]\n}}", lines.join(",\n"))
    }

    /// The ARN of something of the account that runs the recipe.
    pub(super) fn named(&self, service: &str, name: &str) -> String {
        format!("arn:{}:{service}:YOUR_REGION:YOUR_ACCOUNT_ID:{name}", self.partition)
    }

    fn read(&mut self, source: &Place) {
        match source {
            Place::Bucket { bucket, prefix } => self.read_bucket(bucket, prefix),
            Place::AccessPoint { arn, prefix } => {
                self.list("Evidence", arn, prefix);
                let objects = format!("{}/object/{}", quote::policy(arn), under(prefix, "*"));
                self.allow("EvidenceObjects", json!("s3:GetObject"), json!(objects));
            }
            Place::Trail(arn) => {
                self.read_bucket("YOUR_TRAIL_BUCKET", "");
                self.allow("Trails", json!("cloudtrail:DescribeTrails"), json!("*"));
                self.allow("TrailStatus", json!("cloudtrail:GetTrailStatus"), json!(quote::policy(arn)));
            }
            Place::Directory(_) => {}
        }
    }

    fn read_bucket(&mut self, bucket: &str, prefix: &str) {
        self.list("Evidence", &format!("arn:{}:s3:::{bucket}", self.partition), prefix);
        let objects = self.objects(bucket, prefix, "*");
        self.allow("EvidenceObjects", json!("s3:GetObject"), json!(objects));
    }

    /// Allows to read and write below a place, and to list it or its folder.
    fn write(&mut self, id: &str, place: &Place, listed: Option<&str>) {
        let Place::Bucket { bucket, prefix } = place else { return };
        let arn = format!("arn:{}:s3:::{bucket}", self.partition);
        match listed {
            // Each run has a folder of its own.
            Some(folder) => self.list_like(id, &arn, &under(prefix, &format!("*/{folder}/*"))),
            None => self.list(id, &arn, prefix),
        }
        let objects = self.objects(bucket, prefix, "*");
        self.allow(&format!("{id}Objects"), json!(["s3:GetObject", "s3:PutObject"]), json!(objects));
    }

    fn list(&mut self, id: &str, arn: &str, prefix: &str) {
        match prefix.is_empty() {
            true => self.allow(id, json!("s3:ListBucket"), json!(quote::policy(arn))),
            false => self.list_like(id, arn, &under(prefix, "*")),
        }
    }

    fn list_like(&mut self, id: &str, arn: &str, prefixes: &str) {
        let id = self.unique(id);
        self.statements.push(json!({
            "Sid": id, "Effect": "Allow", "Action": "s3:ListBucket", "Resource": quote::policy(arn),
            "Condition": { "StringLike": { "s3:prefix": prefixes } },
        }));
    }

    fn objects(&self, bucket: &str, prefix: &str, rest: &str) -> String {
        format!("arn:{}:s3:::{}/{}", self.partition, quote::policy(bucket), under(prefix, rest))
    }

    fn allow(&mut self, id: &str, action: Value, resource: Value) {
        let id = self.unique(id);
        self.statements.push(json!({ "Sid": id, "Effect": "Allow", "Action": action, "Resource": resource }));
    }

    /// Ids of statements have to differ.
    fn unique(&self, id: &str) -> String {
        let with = |id: &str| self.statements.iter().filter(|one| one["Sid"] == *id).count();
        match with(id) {
            0 => id.to_owned(),
            _ => (2..).map(|n| format!("{id}{n}")).find(|id| with(id) == 0).unwrap_or_default(),
        }
    }
}

/// A pattern below a prefix, which is quoted.
fn under(prefix: &str, rest: &str) -> String {
    match prefix.is_empty() {
        true => rest.to_owned(),
        false => format!("{}/{rest}", quote::policy(prefix)),
    }
}

/// The partition that ARNs and regions of the request tell.
fn partition(request: &DeployRequest) -> &'static str {
    let arns = request.sources.iter().filter_map(|source| match source {
        Place::Trail(arn) | Place::AccessPoint { arn, .. } => arn.split(':').nth(1),
        Place::Bucket { .. } | Place::Directory(_) => None,
    });
    let regions = request.plan.iter().filter_map(|text| match text.split('-').next() {
        Some("cn") if text.matches('-').count() == 2 => Some("aws-cn"),
        Some("us") if text.starts_with("us-gov-") => Some("aws-us-gov"),
        _ => None,
    });
    match arns.chain(regions).find(|partition| *partition != "aws") {
        Some("aws-cn") => "aws-cn",
        Some("aws-us-gov") => "aws-us-gov",
        _ => "aws",
    }
}
