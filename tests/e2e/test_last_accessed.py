"""Reports of last access, made of what really was tried."""

import json

import pytest
from iamd import Server, allow, create_user, refused, unique


def report(iam, arn, **more):
    """The services of a report by namespace, through all pages."""
    job = iam.generate_service_last_accessed_details(Arn=arn, **more)["JobId"]
    services, more = {}, {}
    while True:
        page = iam.get_service_last_accessed_details(JobId=job, MaxItems=100, **more)
        assert page["JobStatus"] == "COMPLETED"
        services |= {it["ServiceNamespace"]: it for it in page["ServicesLastAccessed"]}
        if not page["IsTruncated"]:
            return services
        more = {"Marker": page["Marker"]}


@pytest.fixture
def used(server, iam):
    """A user who has used IAM, once in vain, and never STS."""
    user, keys = create_user(server, unique("user"), [allow(["iam:GetUser", "sts:*"])])
    own = server.iam(keys)
    own.get_user()
    with refused("AccessDenied"):
        own.list_roles()
    return user


def test_what_a_user_tried_is_in_his_report(iam, used):
    services = report(iam, used["Arn"], Granularity="ACTION_LEVEL")
    assert list(services) == ["iam", "sts"]
    tried = services["iam"]
    assert tried["ServiceName"].startswith("AWS Identity and Access Management")
    assert tried["LastAuthenticatedEntity"] == used["Arn"]
    assert tried["LastAuthenticatedRegion"] == "us-east-1"
    assert tried["TotalAuthenticatedEntities"] == 1
    # Attempts that were denied count, too.
    names = [action["ActionName"] for action in tried["TrackedActionsLastAccessed"]]
    assert names == ["GetUser", "ListRoles"]
    assert "LastAuthenticated" not in services["sts"]
    assert services["sts"]["TotalAuthenticatedEntities"] == 0
    assert "TrackedActionsLastAccessed" not in report(iam, used["Arn"])["iam"]


def test_sessions_count_for_their_role(server, iam, sts):
    name = unique("role")
    trusting = {"Effect": "Allow", "Principal": {"AWS": server.account}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": trusting})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]
    policy = "arn:aws:iam::aws:policy/IAMReadOnlyAccess"
    iam.attach_role_policy(RoleName=name, PolicyArn=policy)
    session = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="one")["Credentials"]
    server.iam(type(server.admin).of(session)).list_users()
    assert report(iam, role["Arn"])["iam"]["LastAuthenticatedEntity"] == role["Arn"]
    job = iam.generate_service_last_accessed_details(Arn=policy)["JobId"]
    answer = iam.get_service_last_accessed_details_with_entities(
        JobId=job, ServiceNamespace="iam"
    )
    (entity,) = answer["EntityDetailsList"]
    assert entity["EntityInfo"]["Arn"] == role["Arn"]
    assert entity["EntityInfo"]["Type"] == "ROLE"
    assert entity["LastAuthenticated"]


def test_a_job_is_for_whom_it_was_made(server, iam, used):
    job = iam.generate_service_last_accessed_details(Arn=used["Arn"])["JobId"]
    _, keys = create_user(server, unique("user"), [allow("iam:*")])
    with refused("NoSuchEntity", f"The job with id {job} cannot be found.", 404):
        server.iam(keys).get_service_last_accessed_details(JobId=job)


def test_an_account_without_an_organization_is_told_so(iam):
    message = "The request was rejected because no organization is associated with your account."
    with refused("OrganizationNotFoundException", message):
        iam.generate_organizations_access_report(EntityPath="o-abcdefghij/r-abcd")
    with refused("NoSuchEntity"):
        iam.get_organizations_access_report(JobId="0" * 36)


def test_uses_outlive_the_process(tmp_path):
    data = tmp_path / "data"
    with Server(data=data) as server:
        user, keys = create_user(server, "bob", [allow("iam:GetUser")])
        server.iam(keys).get_user()
        admin = server.admin
    with Server(data=data, admin=admin) as server:
        assert report(server.iam(), user["Arn"])["iam"]["LastAuthenticated"]


def test_the_command_line_client_reads_a_report(server, iam, used):
    def aws(*arguments):
        code, answer, complaint = server.aws(server.admin, "iam", *arguments)
        assert code == 0, complaint
        return answer

    job = aws("generate-service-last-accessed-details", "--arn", used["Arn"])["JobId"]
    answer = aws("get-service-last-accessed-details", "--job-id", job)
    assert [it["ServiceNamespace"] for it in answer["ServicesLastAccessed"]] == ["iam", "sts"]
