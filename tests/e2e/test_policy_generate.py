"""`iamd policy generate` on a node that runs: what it makes is enough for all that was done, and no more."""

import json

from iamd import Server, allow, create_user, denied, document, eventually, run, trust, unique


def generated(folder, principal):
    """The report on a principal, whose policies come from the node."""
    done = run("policy", "generate", "--principal", principal, "--data", folder, "-o", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def attach(server, user, documents):
    """Leaves a user with these policies only."""
    iam = server.iam()
    for name in iam.list_user_policies(UserName=user)["PolicyNames"]:
        iam.delete_user_policy(UserName=user, PolicyName=name)
    for number, each in enumerate(documents):
        iam.put_user_policy(UserName=user, PolicyName=f"least-{number}", PolicyDocument=json.dumps(each))


def work(server, keys, word, role):
    """What an administrator of a small team does."""
    iam, sts = server.iam(keys), server.sts(keys)
    iam.create_user(UserName=word, Path="/team/", Tags=[{"Key": "team", "Value": "x"}])
    iam.get_user(UserName=word)
    iam.get_user()
    iam.list_access_keys()
    iam.list_users(PathPrefix="/team/")
    iam.create_group(GroupName=word)
    iam.add_user_to_group(GroupName=word, UserName=word)
    arn = iam.create_policy(PolicyName=word, Path="/team/", PolicyDocument=document(allow("s3:*")))
    arn = arn["Policy"]["Arn"]
    iam.attach_group_policy(GroupName=word, PolicyArn=arn)
    iam.create_role(RoleName=word, AssumeRolePolicyDocument=trust({"Service": "ec2.amazonaws.com"}))
    iam.create_instance_profile(InstanceProfileName=word)
    iam.add_role_to_instance_profile(InstanceProfileName=word, RoleName=word)
    iam.update_user(UserName=word, NewPath="/other/", NewUserName=word + "-new")
    iam.update_user(UserName=word + "-new", NewPath="/team/", NewUserName=word)
    iam.get_role(RoleName=role.rsplit("/", 1)[-1])
    sts.get_caller_identity()
    sts.assume_role(RoleArn=role, RoleSessionName="session", Tags=[{"Key": "team", "Value": "x"}])
    iam.remove_role_from_instance_profile(InstanceProfileName=word, RoleName=word)
    iam.delete_instance_profile(InstanceProfileName=word)
    iam.delete_role(RoleName=word)
    iam.detach_group_policy(GroupName=word, PolicyArn=arn)
    iam.delete_policy(PolicyArn=arn)
    iam.remove_user_from_group(GroupName=word, UserName=word)
    iam.delete_group(GroupName=word)
    iam.delete_user(UserName=word)


def test_the_policy_is_enough_for_all_that_was_done_and_no_more(tmp_path):
    with Server(data=tmp_path) as server:
        word = unique("word")
        user, keys = create_user(server, None, [allow("*")])
        name = user["UserName"]
        # The role has a path that no record of the user says.
        role = server.iam().create_role(
            RoleName=unique("role"),
            Path="/deep/er/",
            AssumeRolePolicyDocument=trust({"AWS": user["Arn"]}, ["sts:AssumeRole", "sts:TagSession"]),
        )["Role"]["Arn"]
        work(server, keys, word, role)
        eventually(lambda: "iam:DeleteUser" in used(generated(tmp_path, user["Arn"])))
        report = generated(tmp_path, user["Arn"])
        assert [each["used"] for each in report["present"]] == [True]
        assert report["unknown"] == [] and report["not_covered"] == []

        attach(server, name, report["documents"])
        work(server, keys, word, role)
        iam = server.iam(keys)
        with denied():
            iam.create_user(UserName=word + "x", Path="/team/")
        with denied():
            iam.get_role(RoleName=word + "x")
        with denied():
            iam.list_roles()
        with denied():
            iam.create_access_key(UserName=name)
        # The denials are told, and do not make the policy wider.
        eventually(lambda: len(generated(tmp_path, user["Arn"])["denied"]) == 4)
        again = generated(tmp_path, user["Arn"])
        assert again["documents"] == report["documents"]
        assert {line["action"] for line in again["denied"]} == {
            "iam:CreateAccessKey", "iam:CreateUser", "iam:GetRole", "iam:ListRoles",
        }

    # And the folder at rest says the same.
    assert generated(tmp_path, user["Arn"]) == again


def used(report):
    return {line["action"] for line in report["used"]}


def test_a_groups_and_a_managed_policy_are_present_too(tmp_path):
    with Server(data=tmp_path) as server:
        user, keys = create_user(server, None, [allow("iam:GetUser")])
        name, iam = user["UserName"], server.iam()
        iam.create_group(GroupName="team")
        iam.put_group_policy(GroupName="team", PolicyName="p", PolicyDocument=document(allow("iam:List*")))
        iam.add_user_to_group(GroupName="team", UserName=name)
        iam.attach_user_policy(UserName=name, PolicyArn="arn:aws:iam::aws:policy/IAMUserSSHKeys")
        server.iam(keys).list_users()
        eventually(lambda: "iam:ListUsers" in used(generated(tmp_path, user["Arn"])))
        present = {each["policy"]: each for each in generated(tmp_path, user["Arn"])["present"]}
        assert {policy: each["used"] for policy, each in present.items()} == {
            f"user/{name}/inline": False,
            "group/team/p": True,
            "arn:aws:iam::aws:policy/IAMUserSSHKeys": False,
        }
        nobody = run("policy", "generate", "--principal", user["Arn"] + "x", "--data", tmp_path)
        assert nobody.returncode == 2 and "there is no" in nobody.stderr
