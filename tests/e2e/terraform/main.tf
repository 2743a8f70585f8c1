# Every kind of resource and data source of IAM whose operations are built, at least once.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.80"
    }
  }
}

variable "endpoint" { type = string }
variable "team" { type = string }
variable "certificate" { type = string }
variable "private_key" { type = string }
variable "signing_certificate" { type = string }
variable "ssh_key" { type = string }

provider "aws" {
  region = "us-east-1"
  endpoints {
    iam = var.endpoint
    sts = var.endpoint
  }
}

# Users, and what is theirs.

resource "aws_iam_user" "dora" {
  name                 = "dora"
  path                 = "/dev/"
  tags                 = { team = var.team }
  permissions_boundary = aws_iam_policy.boundary.arn
}

resource "aws_iam_user" "emil" {
  name = "emil"
}

resource "aws_iam_access_key" "dora" {
  user = aws_iam_user.dora.name
}

resource "aws_iam_user_login_profile" "dora" {
  user                    = aws_iam_user.dora.name
  password_length         = 24
  password_reset_required = false
  depends_on              = [aws_iam_account_password_policy.strict]
}

resource "aws_iam_user_ssh_key" "dora" {
  username   = aws_iam_user.dora.name
  encoding   = "SSH"
  public_key = var.ssh_key
}

resource "aws_iam_signing_certificate" "dora" {
  user_name        = aws_iam_user.dora.name
  certificate_body = var.signing_certificate
}

resource "aws_iam_virtual_mfa_device" "spare" {
  virtual_mfa_device_name = "spare"
  path                    = "/phones/"
  tags                    = { team = var.team }
}

resource "aws_iam_user_policy" "own" {
  name   = "own"
  user   = aws_iam_user.dora.name
  policy = data.aws_iam_policy_document.own.json
}

resource "aws_iam_user_policy_attachment" "read" {
  user       = aws_iam_user.dora.name
  policy_arn = aws_iam_policy.read.arn
}

resource "aws_iam_user_policies_exclusive" "dora" {
  user_name    = aws_iam_user.dora.name
  policy_names = [aws_iam_user_policy.own.name]
}

resource "aws_iam_user_policy_attachments_exclusive" "dora" {
  user_name   = aws_iam_user.dora.name
  policy_arns = [aws_iam_user_policy_attachment.read.policy_arn]
}

# Groups.

resource "aws_iam_group" "developers" {
  name = "developers"
  path = "/teams/"
}

resource "aws_iam_group" "readers" {
  name = "readers"
}

resource "aws_iam_user_group_membership" "dora" {
  user   = aws_iam_user.dora.name
  groups = [aws_iam_group.developers.name]
}

resource "aws_iam_group_membership" "readers" {
  name  = "readers"
  group = aws_iam_group.readers.name
  users = [aws_iam_user.emil.name]
}

resource "aws_iam_group_policy" "queue" {
  name  = "queue"
  group = aws_iam_group.developers.name
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sqs:*", Resource = "*" }]
  })
}

resource "aws_iam_group_policy_attachment" "read" {
  group      = aws_iam_group.developers.name
  policy_arn = aws_iam_policy.read.arn
}

resource "aws_iam_group_policies_exclusive" "developers" {
  group_name   = aws_iam_group.developers.name
  policy_names = [aws_iam_group_policy.queue.name]
}

resource "aws_iam_group_policy_attachments_exclusive" "developers" {
  group_name  = aws_iam_group.developers.name
  policy_arns = [aws_iam_group_policy_attachment.read.policy_arn]
}

# Managed policies.

resource "aws_iam_policy" "boundary" {
  name = "boundary"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "s3:*", Resource = "*" }]
  })
}

resource "aws_iam_policy" "read" {
  name        = "read-${var.team}"
  path        = "/policies/"
  description = "Reads what belongs to a team"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect = "Allow", Action = ["s3:GetObject"], Resource = "arn:aws:s3:::${var.team}/*"
    }]
  })
  tags = { team = var.team }
}

resource "aws_iam_policy" "shared" {
  name   = "shared"
  policy = data.aws_iam_policy_document.own.json
}

resource "aws_iam_policy_attachment" "shared" {
  name       = "shared"
  policy_arn = aws_iam_policy.shared.arn
  users      = [aws_iam_user.emil.name]
  groups     = [aws_iam_group.readers.name]
}

# Roles and their instance profile.

resource "aws_iam_role" "worker" {
  name                 = "worker"
  path                 = "/svc/"
  description          = "Works"
  max_session_duration = 7200
  permissions_boundary = aws_iam_policy.boundary.arn
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  tags                 = { team = var.team }
}

resource "aws_iam_role_policy" "queue" {
  name = "queue"
  role = aws_iam_role.worker.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sqs:*", Resource = "*" }]
  })
}

resource "aws_iam_role_policy_attachment" "read" {
  role       = aws_iam_role.worker.name
  policy_arn = aws_iam_policy.read.arn
}

resource "aws_iam_role_policy_attachment" "managed" {
  role       = aws_iam_role.worker.name
  policy_arn = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
}

resource "aws_iam_role_policies_exclusive" "worker" {
  role_name    = aws_iam_role.worker.name
  policy_names = [aws_iam_role_policy.queue.name]
}

resource "aws_iam_role_policy_attachments_exclusive" "worker" {
  role_name = aws_iam_role.worker.name
  policy_arns = [
    aws_iam_role_policy_attachment.read.policy_arn,
    aws_iam_role_policy_attachment.managed.policy_arn,
  ]
}

resource "aws_iam_instance_profile" "worker" {
  name = "worker"
  role = aws_iam_role.worker.name
  tags = { team = var.team }
}

# The account.

resource "aws_iam_account_alias" "alias" {
  account_alias = "terraformed"
}

resource "aws_iam_account_password_policy" "strict" {
  minimum_password_length        = 12
  require_lowercase_characters   = true
  require_numbers                = true
  require_symbols                = true
  require_uppercase_characters   = true
  allow_users_to_change_password = true
  max_password_age               = 90
  password_reuse_prevention      = 5
}

resource "aws_iam_server_certificate" "web" {
  name             = "web"
  path             = "/certificates/"
  certificate_body = var.certificate
  private_key      = var.private_key
  tags             = { team = var.team }
}

resource "aws_iam_openid_connect_provider" "builds" {
  url             = "https://builds.example.com"
  client_id_list  = ["sts.amazonaws.com", var.team]
  thumbprint_list = ["9e99a48a9960b14926bb7f3b02e22da2b0ab7280"]
  tags            = { team = var.team }
}

# The same, looked up.

data "aws_caller_identity" "me" {}

data "aws_iam_session_context" "me" {
  arn = data.aws_caller_identity.me.arn
}

data "aws_iam_policy_document" "own" {
  statement {
    actions   = ["iam:GetUser"]
    resources = ["arn:aws:iam::*:user/dev/&{aws:username}"]
  }
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

data "aws_iam_user" "dora" {
  user_name = aws_iam_user.dora.name
}

data "aws_iam_users" "developers" {
  path_prefix = "/dev/"
  depends_on  = [aws_iam_user.dora]
}

data "aws_iam_access_keys" "dora" {
  user       = aws_iam_user.dora.name
  depends_on = [aws_iam_access_key.dora]
}

data "aws_iam_user_ssh_key" "dora" {
  username          = aws_iam_user.dora.name
  ssh_public_key_id = aws_iam_user_ssh_key.dora.ssh_public_key_id
  encoding          = "SSH"
}

data "aws_iam_group" "developers" {
  group_name = aws_iam_group.developers.name
  depends_on = [aws_iam_user_group_membership.dora]
}

data "aws_iam_policy" "read_only" {
  arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
}

data "aws_iam_role" "worker" {
  name = aws_iam_role.worker.name
}

data "aws_iam_roles" "services" {
  path_prefix = "/svc/"
  depends_on  = [aws_iam_role.worker]
}

data "aws_iam_instance_profile" "worker" {
  name = aws_iam_instance_profile.worker.name
}

data "aws_iam_instance_profiles" "worker" {
  role_name  = aws_iam_role.worker.name
  depends_on = [aws_iam_instance_profile.worker]
}

data "aws_iam_account_alias" "alias" {
  depends_on = [aws_iam_account_alias.alias]
}

data "aws_iam_server_certificate" "web" {
  name       = aws_iam_server_certificate.web.name
  depends_on = [aws_iam_server_certificate.web]
}

data "aws_iam_openid_connect_provider" "builds" {
  arn = aws_iam_openid_connect_provider.builds.arn
}

output "account" { value = data.aws_caller_identity.me.account_id }
output "key" { value = aws_iam_access_key.dora.id }
output "secret" {
  value     = aws_iam_access_key.dora.secret
  sensitive = true
}
output "looked_up" {
  value = {
    user    = data.aws_iam_user.dora.arn
    users   = data.aws_iam_users.developers.names
    keys    = data.aws_iam_access_keys.dora.access_keys[*].access_key_id
    members = data.aws_iam_group.developers.users[*].user_name
    role    = data.aws_iam_role.worker.max_session_duration
    roles   = data.aws_iam_roles.services.names
    profile = data.aws_iam_instance_profile.worker.role_name
    alias   = data.aws_iam_account_alias.alias.account_alias
    clients = sort(data.aws_iam_openid_connect_provider.builds.client_id_list)
    server  = data.aws_iam_server_certificate.web.path
  }
}
