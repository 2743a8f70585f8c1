"""Every list joins up to the whole, whatever its page size, and takes no marker but its own."""

from itertools import islice

import pytest
from totp import Device
from iamd import Keys, Server, allow, create_account, document, refused, trust, unique

COUNT = 5
POLICY = document(allow("s3:GetObject"))
TRUST = trust({"Service": "ec2.amazonaws.com"})
INVALID = "Invalid Marker."


class World:
    """An account in which every list has five entries."""

    def __init__(self, server):
        iam = self.iam = server.iam()
        self.path = f"/{unique('page')}/"
        names = [f"{letter}-{unique('x')}" for letter in "EbAdC"]
        self.user, self.role, self.group = names[0], names[1], names[2]
        self.tags = [{"Key": f"key-{n}", "Value": str(n)} for n in range(COUNT)]
        self.policies = []
        for name in names:
            iam.create_user(UserName=name, Path=self.path)
            iam.create_group(GroupName=name, Path=self.path)
            iam.create_role(RoleName=name, Path=self.path, AssumeRolePolicyDocument=TRUST)
            iam.create_instance_profile(InstanceProfileName=name, Path=self.path)
            policy = iam.create_policy(PolicyName=name, Path=self.path, PolicyDocument=POLICY)
            self.policies.append(policy["Policy"]["Arn"])
        self.profile = names[0]
        self.policy = self.policies[0]
        for name in names:
            iam.add_user_to_group(GroupName=self.group, UserName=name)
            iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=self.role)
            iam.put_user_policy(UserName=self.user, PolicyName=name, PolicyDocument=POLICY)
            iam.put_group_policy(GroupName=self.group, PolicyName=name, PolicyDocument=POLICY)
            iam.put_role_policy(RoleName=self.role, PolicyName=name, PolicyDocument=POLICY)
        for name in names:
            if name != self.group:
                iam.add_user_to_group(GroupName=name, UserName=self.user)
        for arn in self.policies:
            iam.attach_user_policy(UserName=self.user, PolicyArn=arn)
            iam.attach_group_policy(GroupName=self.group, PolicyArn=arn)
            iam.attach_role_policy(RoleName=self.role, PolicyArn=arn)
        for name in names[1:3]:
            iam.attach_user_policy(UserName=name, PolicyArn=self.policy)
        for _ in range(COUNT - 1):
            iam.create_policy_version(PolicyArn=self.policy, PolicyDocument=POLICY)
        for _ in range(2):
            iam.create_access_key(UserName=self.user)
        iam.tag_user(UserName=self.user, Tags=self.tags)
        iam.tag_role(RoleName=self.role, Tags=self.tags)
        iam.tag_policy(PolicyArn=self.policy, Tags=self.tags)
        iam.tag_instance_profile(InstanceProfileName=self.profile, Tags=self.tags)
        self.device = None
        for name in names:
            device = Device.of(iam.create_virtual_mfa_device(VirtualMFADeviceName=name))
            iam.enable_mfa_device(UserName=self.user, **device.pair())
            self.device = self.device or device.serial
        iam.tag_mfa_device(SerialNumber=self.device, Tags=self.tags)
        iam.create_account_alias(AccountAlias=unique("alias"))


@pytest.fixture(scope="module")
def world(server):
    return World(server)


# Operation: (parameters, lists of the answer, entries there are)
LISTS = {
    "get_group": (lambda w: {"GroupName": w.group}, ["Users"], COUNT),
    "list_access_keys": (lambda w: {"UserName": w.user}, ["AccessKeyMetadata"], 2),
    "list_account_aliases": (lambda w: {}, ["AccountAliases"], 1),
    "list_attached_group_policies": (lambda w: {"GroupName": w.group}, ["AttachedPolicies"], COUNT),
    "list_attached_role_policies": (lambda w: {"RoleName": w.role}, ["AttachedPolicies"], COUNT),
    "list_attached_user_policies": (lambda w: {"UserName": w.user}, ["AttachedPolicies"], COUNT),
    "list_entities_for_policy": (
        lambda w: {"PolicyArn": w.policy}, ["PolicyGroups", "PolicyUsers", "PolicyRoles"], COUNT,
    ),
    "list_group_policies": (lambda w: {"GroupName": w.group}, ["PolicyNames"], COUNT),
    "list_groups": (lambda w: {"PathPrefix": w.path}, ["Groups"], COUNT),
    "list_groups_for_user": (lambda w: {"UserName": w.user}, ["Groups"], COUNT),
    "list_instance_profile_tags": (lambda w: {"InstanceProfileName": w.profile}, ["Tags"], COUNT),
    "list_instance_profiles": (lambda w: {"PathPrefix": w.path}, ["InstanceProfiles"], COUNT),
    "list_instance_profiles_for_role": (
        lambda w: {"RoleName": w.role}, ["InstanceProfiles"], COUNT,
    ),
    "list_mfa_device_tags": (lambda w: {"SerialNumber": w.device}, ["Tags"], COUNT),
    "list_mfa_devices": (lambda w: {"UserName": w.user}, ["MFADevices"], COUNT),
    "list_policies": (
        lambda w: {"Scope": "Local", "PathPrefix": w.path}, ["Policies"], COUNT,
    ),
    "list_policy_tags": (lambda w: {"PolicyArn": w.policy}, ["Tags"], COUNT),
    "list_policy_versions": (lambda w: {"PolicyArn": w.policy}, ["Versions"], COUNT),
    "list_role_policies": (lambda w: {"RoleName": w.role}, ["PolicyNames"], COUNT),
    "list_role_tags": (lambda w: {"RoleName": w.role}, ["Tags"], COUNT),
    "list_roles": (lambda w: {"PathPrefix": w.path}, ["Roles"], COUNT),
    "list_user_policies": (lambda w: {"UserName": w.user}, ["PolicyNames"], COUNT),
    "list_user_tags": (lambda w: {"UserName": w.user}, ["Tags"], COUNT),
    "list_users": (lambda w: {"PathPrefix": w.path}, ["Users"], COUNT),
    "list_virtual_mfa_devices": (
        lambda w: {"AssignmentStatus": "Assigned"}, ["VirtualMFADevices"], COUNT,
    ),
    "get_account_authorization_details": (
        lambda w: {"Filter": ["LocalManagedPolicy"]}, ["Policies"], COUNT,
    ),
}


def pages(call, parameters, members, size):
    """The pages of a list as lists of entries; each shows whether another one follows."""
    marker = {}
    while True:
        answer = call(**parameters, MaxItems=size, **marker)
        page = [entry for member in members for entry in answer[member]]
        yield page
        assert answer["IsTruncated"] is ("Marker" in answer)
        if not answer["IsTruncated"]:
            return
        assert 1 <= len(answer["Marker"]) <= 320
        marker = {"Marker": answer["Marker"]}


@pytest.mark.parametrize("operation", LISTS)
def test_pages_of_every_size_join_up_to_the_whole(world, operation):
    parameters, members, count = LISTS[operation]
    parameters, call = parameters(world), getattr(world.iam, operation)
    answer = call(**parameters)
    whole = [entry for member in members for entry in answer[member]]
    assert (len(whole), answer["IsTruncated"]) == (count, False)
    for size in range(1, count + 2):
        parts = list(pages(call, parameters, members, size))
        assert [entry for part in parts for entry in part] == whole, size
        assert all(len(part) == size for part in parts[:-1]), size
        assert 0 < len(parts[-1]) <= size, size


def test_lists_are_in_the_order_of_names(world):
    for operation, member, name in (
        ("list_users", "Users", "UserName"),
        ("list_groups", "Groups", "GroupName"),
        ("list_roles", "Roles", "RoleName"),
        ("list_instance_profiles", "InstanceProfiles", "InstanceProfileName"),
    ):
        answer = getattr(world.iam, operation)(PathPrefix=world.path)
        names = [entry[name] for entry in answer[member]]
        # Letter case does not count, as it does not where names must be unique.
        assert names == sorted(names, key=str.lower)
    versions = world.iam.list_policy_versions(PolicyArn=world.policy)["Versions"]
    assert [version["VersionId"] for version in versions] == ["v5", "v4", "v3", "v2", "v1"]


@pytest.mark.parametrize("operation", LISTS)
def test_forged_markers_are_refused(world, operation):
    parameters, _, count = LISTS[operation]
    parameters, call = parameters(world), getattr(world.iam, operation)
    forged = ["A", "nonsense", "a" * 320, "=", "../..", "\u00e9"]
    if count > 1:
        marker = call(**parameters, MaxItems=1)["Marker"]
        call(**parameters, Marker=marker)
        other = "A" if marker[5] != "A" else "B"
        forged += [marker[:5] + other + marker[6:], marker[:-2], marker + "AA", marker.swapcase()]
    for marker in forged:
        with refused("ValidationError", INVALID, 400):
            call(**parameters, Marker=marker)


def test_a_marker_opens_only_the_list_it_came_from(world):
    markers = {}
    for operation, (parameters, _, count) in LISTS.items():
        if count > 1:
            answer = getattr(world.iam, operation)(**parameters(world), MaxItems=1)
            markers[operation] = answer["Marker"]
    for operation, (parameters, _, _) in LISTS.items():
        for other, marker in markers.items():
            # The tags of different entities, and so on, are different lists too.
            if other != operation:
                with refused("ValidationError", INVALID, 400):
                    getattr(world.iam, operation)(**parameters(world), Marker=marker)


def test_a_marker_does_not_survive_another_filter(world):
    marker = world.iam.list_users(PathPrefix=world.path, MaxItems=1)["Marker"]
    with refused("ValidationError", INVALID, 400):
        world.iam.list_users(PathPrefix="/", Marker=marker)
    marker = world.iam.list_policies(Scope="Local", MaxItems=1)["Marker"]
    with refused("ValidationError", INVALID, 400):
        world.iam.list_policies(Scope="All", Marker=marker)


def test_a_marker_of_another_installation_is_refused(world):
    with Server() as other:
        stranger = World(other)
        for operation, (parameters, _, count) in LISTS.items():
            if count > 1:
                answer = getattr(stranger.iam, operation)(**parameters(stranger), MaxItems=1)
                with refused("ValidationError", INVALID, 400):
                    getattr(world.iam, operation)(**parameters(world), Marker=answer["Marker"])


def test_a_marker_of_another_account_is_refused(tmp_path):
    """Also where the list is of something that belongs to all: a policy of AWS."""
    data = tmp_path / "data"
    with Server(data=data) as server:
        facts = create_account(data, "other@example.com")
        other = server.iam(Keys(facts["access_key_id"], facts["secret_access_key"]))
        arn = "arn:aws:iam::aws:policy/AdministratorAccess"
        lists = (
            ("list_users", {}),
            ("list_policies", {"Scope": "AWS"}),
            ("list_policies", {"OnlyAttached": True}),
            ("list_entities_for_policy", {"PolicyArn": arn}),
        )
        for iam in (server.iam(), other):
            iam.create_user(UserName="bob")
            iam.attach_user_policy(UserName="bob", PolicyArn=arn)
            iam.attach_user_policy(UserName="bob", PolicyArn=arn.replace("Administrator", "PowerUser"))
        for operation, parameters in lists:
            marker = getattr(server.iam(), operation)(**parameters, MaxItems=1)["Marker"]
            getattr(server.iam(), operation)(**parameters, Marker=marker)
            with refused("ValidationError", INVALID, 400):
                getattr(other, operation)(**parameters, Marker=marker)


def test_pages_go_on_where_they_were_while_entries_come_and_go(server):
    iam, path = server.iam(), f"/{unique('moving')}/"
    names = [f"{letter}-{unique('user')}" for letter in "bdfh"]
    for name in names:
        iam.create_user(UserName=name, Path=path)
    first = iam.list_users(PathPrefix=path, MaxItems=2)
    # The entry that the marker names goes, one before it and one behind it come.
    iam.delete_user(UserName=names[1])
    iam.create_user(UserName=f"a-{unique('user')}", Path=path)
    late = f"e-{unique('user')}"
    iam.create_user(UserName=late, Path=path)
    rest = iam.list_users(PathPrefix=path, Marker=first["Marker"])["Users"]
    assert [user["UserName"] for user in rest] == [late, *names[2:]]


def test_a_second_page_of_keys_is_there_though_the_first_key_is_gone(server):
    iam, name = server.iam(), unique("user")
    iam.create_user(UserName=name)
    for _ in range(2):
        iam.create_access_key(UserName=name)
    first = iam.list_access_keys(UserName=name, MaxItems=1)
    gone = first["AccessKeyMetadata"][0]["AccessKeyId"]
    iam.delete_access_key(UserName=name, AccessKeyId=gone)
    rest = iam.list_access_keys(UserName=name, Marker=first["Marker"])["AccessKeyMetadata"]
    left = iam.list_access_keys(UserName=name)["AccessKeyMetadata"]
    assert rest == left and len(left) == 1


def test_aws_managed_policies_are_listed_page_by_page(iam):
    paginator = iam.get_paginator("list_policies").paginate(Scope="AWS", MaxItems=1000)
    by_thousand = [policy["Arn"] for page in paginator for policy in page["Policies"]]
    assert len(by_thousand) == len(set(by_thousand)) > 1_000
    assert "arn:aws:iam::aws:policy/AdministratorAccess" in by_thousand
    small = pages(iam.list_policies, {"Scope": "AWS"}, ["Policies"], 7)
    start = [policy["Arn"] for page in islice(small, 10) for policy in page]
    assert start == by_thousand[:70]
    default = iam.list_policies(Scope="AWS")
    assert (len(default["Policies"]), default["IsTruncated"]) == (100, True)


def test_filters_of_policies_and_their_users(world):
    iam = world.iam
    attached = iam.list_policies(OnlyAttached=True, PathPrefix=world.path)["Policies"]
    assert {policy["Arn"] for policy in attached} == set(world.policies)
    name = unique("bounded")
    free = iam.create_policy(PolicyName=name, Path=world.path, PolicyDocument=POLICY)
    arn = free["Policy"]["Arn"]
    iam.create_user(UserName=name, PermissionsBoundary=arn)
    bounding = iam.list_policies(
        PolicyUsageFilter="PermissionsBoundary", PathPrefix=world.path
    )["Policies"]
    assert [policy["Arn"] for policy in bounding] == [arn]
    assert bounding[0]["PermissionsBoundaryUsageCount"] == 1
    assert bounding[0]["AttachmentCount"] == 0
    users = iam.list_entities_for_policy(PolicyArn=arn, PolicyUsageFilter="PermissionsBoundary")
    assert [user["UserName"] for user in users["PolicyUsers"]] == [name]
    nobody = iam.list_entities_for_policy(PolicyArn=arn, PolicyUsageFilter="PermissionsPolicy")
    assert nobody["PolicyUsers"] == []
    roles = iam.list_entities_for_policy(PolicyArn=world.policy, EntityFilter="Role")
    assert (len(roles["PolicyRoles"]), roles["PolicyUsers"], roles["PolicyGroups"]) == (1, [], [])
    # The world is put back for the other tests.
    iam.delete_user(UserName=name)
    iam.delete_policy(PolicyArn=arn)
