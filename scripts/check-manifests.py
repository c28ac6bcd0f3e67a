"""The checks of scripts/check-manifests, which describes them."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import urllib.parse

import jsonschema
import kubernetes_validate
import yaml

KUBERNETES = "1.33"
FOLDERS = ["overlays/production", "overlays/trial", "release"]
MANIFESTS = pathlib.Path("deploy/kubernetes")
STACK = pathlib.Path("deploy/swarm/stack.yaml")
SCHEMAS = pathlib.Path(os.environ.get("WHARF_SCHEMAS", "../shared/schemas"))
# Secrets that are created elsewhere: CloudNativePG's certificate authority, the credentials of the backup store, and the host's certificate.
MADE_ELSEWHERE = {"wharf-postgres-ca", "wharf-backups", "wharf-tls"}

problems: list[str] = []
unchecked: set[str] = set()


def problem(text: str) -> None:
    problems.append(text)


def name(document: dict) -> str:
    return f"{document['kind']}/{document['metadata']['name']}"


def closed(schema: object) -> object:
    """The schema of a custom resource with unknown members forbidden, as the API server reports them."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: closed(value) for key, value in schema.items()}
    if "properties" in schema and isinstance(schema["properties"], dict) and "additionalProperties" not in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
        result["additionalProperties"] = False
    return result


def check_schema(where: str, document: dict) -> None:
    api, kind = document["apiVersion"], document["kind"]
    file = SCHEMAS / f"{api.replace('/', '_')}_{kind}.json"
    if file.is_file():
        schema = closed(json.loads(file.read_text()))
        # Every object has these, and a custom resource's schema leaves them open.
        schema["properties"].update({"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"}})
        for error in jsonschema.Draft202012Validator(schema).iter_errors(document):
            problem(f"{where}: {name(document)}: {'/'.join(map(str, error.absolute_path))}: {error.message[:200]}")
        return
    try:
        kubernetes_validate.validate(document, KUBERNETES, strict=True)
    except kubernetes_validate.SchemaNotFoundError:
        unchecked.add(f"{api} {kind}")
    except kubernetes_validate.ValidationError as error:
        problem(f"{where}: {name(document)}: {'/'.join(map(str, error.absolute_path))}: {error.message[:200]}")


def built(folder: str) -> list[dict]:
    text = subprocess.run(["kubectl", "kustomize", str(MANIFESTS / folder)], check=True, capture_output=True, text=True).stdout
    return [document for document in yaml.safe_load_all(text) if document]


def secrets() -> list[dict]:
    given = {"STRIPE_API_KEY": "k", "STRIPE_WEBHOOK_SECRET": "s", "WHARF_MAIL_URL": "smtps://mail.example.com"}
    text = subprocess.run(["sh", str(MANIFESTS / "secrets")], check=True, capture_output=True, text=True, env={**os.environ, **given}).stdout
    return [document for document in yaml.safe_load_all(text) if document]


def settings() -> set[str]:
    """The settings that Wharf reads, from their table in the code."""
    texts = [path.read_text() for path in pathlib.Path("Sources/Operations/Settings").glob("*.swift")]
    names = {match for text in texts for match in re.findall(r'"([A-Z][A-Z0-9]*_[A-Z0-9_]+)"', text)}
    roles = [path.name.upper() for path in pathlib.Path("Sources/Services").iterdir() if path.is_dir()] + ["INGRESS", "CONSOLE", "MONITORING", "AUDIT"]
    names |= {f"{way}_{role}" for way in ("WHARF_AMQP_URL", "WHARF_POSTGRES_URL") for role in roles}
    return names | {f"{setting}_FILE" for setting in names}


def pods(document: dict) -> dict | None:
    return document["spec"]["template"]["spec"] if document["kind"] in ("Deployment", "Job", "StatefulSet") else None


def check_pods(where: str, documents: list[dict], made: dict[str, dict], known: set[str]) -> None:
    """Checks that every reference of a container exists, and that no container has more rights than it needs."""
    maps = {d["metadata"]["name"]: d["data"] for d in documents if d["kind"] == "ConfigMap"}
    for document in documents:
        pod = pods(document)
        if pod is None:
            continue
        volumes = {v["name"]: v for v in pod.get("volumes", [])}
        if not pod.get("securityContext", {}).get("runAsNonRoot") or pod.get("automountServiceAccountToken", True):
            problem(f"{where}: {name(document)}: it may run as root, or holds a token of the API server")
        for volume in volumes.values():
            secret = volume.get("secret", {}).get("secretName")
            if secret and secret not in made and secret not in MADE_ELSEWHERE:
                problem(f"{where}: {name(document)}: there is no Secret {secret}")
        for container in pod["containers"]:
            context = container.get("securityContext", {})
            if not context.get("readOnlyRootFilesystem") or context.get("allowPrivilegeEscalation", True) or context.get("capabilities", {}).get("drop") != ["ALL"]:
                problem(f"{where}: {name(document)}: {container['name']} has privileges or a writable file system")
            if "memory" not in container.get("resources", {}).get("limits", {}):
                problem(f"{where}: {name(document)}: {container['name']} has no memory limit")
            if ":latest" in container["image"] or ":" not in container["image"]:
                if where.startswith("overlays/production"):
                    problem(f"{where}: {name(document)}: the image {container['image']} has no version")
            for mount in container.get("volumeMounts", []):
                if mount["name"] not in volumes:
                    problem(f"{where}: {name(document)}: there is no volume {mount['name']}")
            if container["name"] != "wharf":
                continue
            paths = [container.get(probe, {}).get("httpGet", {}).get("path") for probe in ("startupProbe", "livenessProbe", "readinessProbe")]
            if document["kind"] == "Deployment" and paths != ["/livez", "/livez", "/readyz"]:
                problem(f"{where}: {name(document)}: a startup or liveness probe does not use /livez, or the readiness probe does not use /readyz")
            given = {entry["name"]: entry.get("value", "") for entry in container.get("env", [])}
            for source in container.get("envFrom", []):
                reference = source["configMapRef"]["name"]
                if reference not in maps:
                    problem(f"{where}: {name(document)}: there is no ConfigMap {reference}")
                given |= maps.get(reference, {})
            for setting, value in given.items():
                if setting not in known:
                    problem(f"{where}: {name(document)}: {setting} is not a setting of Wharf")
                if setting.endswith("_FILE"):
                    secret = made.get(volumes["secrets"]["secret"]["secretName"], {})
                    if pathlib.PurePath(value).name not in secret.get("stringData", {}):
                        problem(f"{where}: {name(document)}: no secret holds {value}")
                elif re.search(r"KEY|SECRET|TOKEN|PASSWORD|://[^/]*@", f"{setting} {value}"):
                    problem(f"{where}: {name(document)}: {setting} holds a secret that every reader of the manifest sees")
            unread = set(made.get(volumes["secrets"]["secret"]["secretName"], {}).get("stringData", {})) - {pathlib.PurePath(v).name for v in given.values()}
            if unread:
                problem(f"{where}: {name(document)}: nothing reads {', '.join(sorted(unread))}")


def matches(selector: dict, labels: dict) -> bool:
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    return all(labels.get(rule["key"]) in rule["values"] for rule in selector.get("matchExpressions", []))


def check_references(where: str, documents: list[dict], everything: list[dict]) -> None:
    """Checks that every selector and autoscaler matches something, and that every role without a fixed number of processes is covered."""
    deployments = {d["metadata"]["name"]: d for d in documents if d["kind"] == "Deployment"}
    labels = [d["spec"]["template"]["metadata"]["labels"] for d in everything if pods(d)]
    # Labels that the operators set on their pods.
    labels += [{"app.kubernetes.io/name": d["metadata"]["name"]} for d in everything if d["kind"] == "RabbitmqCluster"]
    labels += [{"cnpg.io/cluster": d["metadata"]["name"]} for d in everything if d["apiVersion"].startswith("postgresql.cnpg.io") and d["kind"] == "Cluster"]
    scaled, protected = set(), set()
    for document in documents:
        spec = document.get("spec", {})
        if document["kind"] in ("ScaledObject", "HorizontalPodAutoscaler"):
            target = spec["scaleTargetRef"]["name"]
            if target not in deployments:
                problem(f"{where}: {name(document)}: there is no Deployment {target}")
            elif "replicas" in deployments[target]["spec"]:
                problem(f"{where}: {name(document)}: each apply resets the replicas of {target}")
            scaled.add(target)
        if document["kind"] == "PodDisruptionBudget":
            protected |= {n for n, d in deployments.items() if matches(spec["selector"], d["spec"]["template"]["metadata"]["labels"])}
        if document["kind"] in ("PodDisruptionBudget", "Service", "NetworkPolicy"):
            selector = spec.get("podSelector", spec.get("selector"))
            selector = {"matchLabels": selector} if document["kind"] == "Service" else selector
            if not any(matches(selector, pod) for pod in labels):
                problem(f"{where}: {name(document)}: it selects no pod")
    for role, document in deployments.items():
        if document["metadata"]["labels"].get("wharf.example/role") and "replicas" not in document["spec"] and role not in scaled & protected:
            problem(f"{where}: {name(document)}: no autoscaler or no disruption budget covers it")


def check_traffic(where: str, documents: list[dict], made: dict[str, dict]) -> None:
    """Checks that the network policies let each role connect to the servers that its settings name. All other traffic is denied."""
    standard = {"amqp": 5672, "amqps": 5671, "postgres": 5432, "redis": 6379, "rediss": 6379, "http": 80, "https": 443, "smtp": 587, "smtps": 465}
    policies = [d["spec"] for d in documents if d["kind"] == "NetworkPolicy" and "Egress" in d["spec"]["policyTypes"]]
    maps = {d["metadata"]["name"]: d["data"] for d in documents if d["kind"] == "ConfigMap"}
    for document in documents:
        if document["kind"] != "Deployment" or not document["metadata"]["labels"].get("wharf.example/role"):
            continue
        template = document["spec"]["template"]
        container = template["spec"]["containers"][0]
        holds = {entry: value for v in template["spec"]["volumes"] for entry, value in made.get(v.get("secret", {}).get("secretName"), {}).get("stringData", {}).items()}
        urls = {entry["name"]: holds.get(pathlib.PurePath(entry["value"]).name, "") for entry in container["env"]}
        urls |= {"OTEL_EXPORTER_OTLP_ENDPOINT": maps[source["configMapRef"]["name"]].get("OTEL_EXPORTER_OTLP_ENDPOINT", "") for source in container["envFrom"]}
        open_ports = {port["port"] for p in policies if matches(p["podSelector"], template["metadata"]["labels"]) for rule in p.get("egress", []) for port in rule.get("ports", [])}
        for setting, url in urls.items():
            parts = urllib.parse.urlsplit(url)
            port = parts.port or standard.get(parts.scheme) if parts.hostname else None
            if port and port not in open_ports:
                problem(f"{where}: {name(document)}: no network policy lets it connect to port {port}, which {setting} needs")


def check_queues(where: str, documents: list[dict]) -> None:
    """Checks that every trigger names a queue of its pool. A trigger on a missing queue never scales."""
    queues = {queue["name"] for queue in json.loads(pathlib.Path("topology/definitions.json").read_text())["queues"]}
    for document in documents:
        for trigger in document["spec"]["triggers"] if document["kind"] == "ScaledObject" else []:
            queue = trigger["metadata"].get("queueName")
            if queue and (queue not in queues or queue.split(".")[0] != document["metadata"]["name"]):
                problem(f"{where}: {name(document)}: {queue} is not a queue of this pool")


def check_swarm(known: set[str]) -> None:
    """Checks the Docker Swarm stack in the same way."""
    stack = yaml.safe_load(STACK.read_text())
    if shutil.which("docker"):
        given = {"WHARF_IMAGE": "wharf:1", "WHARF_GATEWAY_IMAGE": "wharf-gateway:1", "WHARF_CONSOLE_CLIENTS": "192.0.2.0/24"}
        result = subprocess.run(["docker", "stack", "config", "--compose-file", str(STACK)], capture_output=True, text=True, env={**os.environ, **given})
        if result.returncode or "Ignoring" in result.stderr:
            problem(f"{STACK}: {result.stderr.strip()}")
    else:
        unchecked.add("the schema of a Swarm stack: docker is not installed")
    used = set()
    for service, spec in stack["services"].items():
        where = f"{STACK}: {service}"
        deploy, job = spec["deploy"], spec["deploy"].get("mode") == "replicated-job"
        held = {secret["source"] if isinstance(secret, dict) else secret for secret in spec.get("secrets", [])}
        used |= held
        if "tmpfs" in spec:
            problem(f"{where}: a swarm ignores `tmpfs`; use a volume of type tmpfs")
        if not spec.get("read_only") or spec.get("cap_drop") != ["ALL"] or "memory" not in deploy["resources"]["limits"]:
            problem(f"{where}: it has privileges, a writable file system, or no memory limit")
        if not job and (deploy.get("endpoint_mode") != "dnsrr" or "healthcheck" not in spec):
            problem(f"{where}: it is not found by DNS round robin, or has no health check")
        if "wharf" not in str(spec["image"]).lower() or "gateway" in str(spec["image"]).lower():
            continue
        if int(spec["stop_grace_period"].removesuffix("s")) <= 50:
            problem(f"{where}: it is killed before it has drained")
        # A swarm replaces unhealthy containers, so the check must not fail because of another server.
        if not spec.get("init") or (not job and spec["healthcheck"]["test"] != ["CMD", "wharf", "health", "--startup"]):
            problem(f"{where}: nothing reaps orphans, or its health check is not `wharf health --startup`")
        if not job and (deploy["update_config"]["order"], deploy["update_config"]["failure_action"]) != ("start-first", "rollback"):
            problem(f"{where}: an update stops processes before their successors are ready, or does not roll back")
        for setting, value in spec["environment"].items():
            if setting not in known:
                problem(f"{where}: {setting} is not a setting of Wharf")
            if setting.endswith("_FILE") and pathlib.PurePath(value).name not in held:
                problem(f"{where}: it does not hold the secret {value}")
    for secret in used ^ set(stack["secrets"]):
        problem(f"{STACK}: the secret {secret} is not defined, or not used")


def main() -> None:
    allows_missing = "--allow-missing" in sys.argv[1:]
    made = {document["metadata"]["name"]: document for document in secrets()}
    known = settings()
    kustomized = {folder: built(folder) for folder in FOLDERS}
    count = 0
    for where, documents in {**kustomized, "secrets": list(made.values())}.items():
        for document in documents:
            check_schema(where, document)
            count += 1
        check_pods(where, documents, made, known)
        if where.startswith("overlays"):
            check_references(where, documents, documents + kustomized["release"])
            check_queues(where, documents)
            check_traffic(where, documents, made)
    check_swarm(known)
    for kind in sorted(unchecked):
        print(f"not checked, because there is no schema (of custom resources: in {SCHEMAS}): {kind}", file=sys.stderr)
    for text in problems:
        print(text, file=sys.stderr)
    if problems or (unchecked and not allows_missing):
        sys.exit(1)
    print(f"{count} objects are valid{f', besides {len(unchecked)} kinds without a schema' if unchecked else ''}.")


main()
