import FoundationEssentials
import Logging

/// The files, ports and commands of one RabbitMQ node.
struct RabbitMQNode: Sendable {
    /// Names are unique per port mapper, and each node has its own. A constant name keeps the data when ports change.
    static let name = "wharf@localhost"
    static let scripts = ["/usr/lib/rabbitmq/bin"]
    static let package = "rabbitmq-server"
    /// For the VM of the node and of `rabbitmqctl`, which have 7 seconds to greet each other otherwise: too few on a busy machine.
    static let network = "-kernel inet_dist_use_interface {127,0,0,1} net_setuptime 120"

    /// What a node of a cluster shares with the others.
    struct Membership: Sendable {
        let name: String
        /// All nodes of the cluster, this one included.
        let peers: [String]
        let portMapperPort: Int
        /// Seconds after which the others give up a silent node; until then nothing that needs their agreement can be declared.
        static let tickSeconds = 4
        /// How often a node looks whether the leaders of its quorum queues still answer, in milliseconds: RabbitMQ's own 5,000 keep a queue with a frozen leader
        /// away for longer than anything else does.
        static let leaderCheckMilliseconds = 1_000
    }

    let folder: ServerFolder
    let membership: Membership?
    let host: String
    let port: Int
    let managementPort: Int
    let prometheusPort: Int?
    private let distributionPort: Int
    private let epmdPort: Int

    init(folder: ServerFolder, host: String = LocalAddress.loopback, prometheus: Bool, membership: Membership? = nil, logger: Logger?) throws {
        self.folder = folder
        self.host = host
        self.membership = membership
        let names = ["amqp", "management", "distribution"] + (membership == nil ? ["epmd"] : []) + (prometheus ? ["prometheus"] : [])
        let ports = try folder.ports(names, logger: logger)
        port = ports["amqp", default: 0]
        managementPort = ports["management", default: 0]
        distributionPort = ports["distribution", default: 0]
        epmdPort = membership?.portMapperPort ?? ports["epmd", default: 0]
        prometheusPort = ports["prometheus"]
    }

    /// The broker in the foreground.
    func server() throws -> ProcessCommand {
        // Debian's /usr/sbin script insists on the account rabbitmq; the one it calls does not.
        let program = try Programs.find("rabbitmq-server", in: Self.scripts, package: Self.package)
        var environment = common
        environment.merge([
            // The script execs the VM instead of keeping a shell around it, so that signals, SIGKILL on the death of
            // this process included, reach the VM itself.
            "RUNNING_UNDER_SYSTEMD": "true",
            "RABBITMQ_CONFIG_FILE": folder.file("rabbitmq.conf"),
            "RABBITMQ_CONFIG_FILES": folder.file("conf.d"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": folder.file("advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": folder.file("enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": folder.file("data"),
            "RABBITMQ_LOG_BASE": folder.path,
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_PID_FILE": folder.file("pid"),
            "RABBITMQ_DIST_PORT": "\(distributionPort)",
            // Two schedulers that sleep when idle: a broker beside the tests does not own its machine.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS":
                "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none \(Self.network)"
                + (membership == nil ? "" : " -kernel net_ticktime \(Membership.tickSeconds)"),
        ]) { $1 }
        return ProcessCommand(program, environment: environment, inheritsEnvironment: false, workingFolder: folder.path)
    }

    var portMapper: PortMapper { PortMapper(port: epmdPort, folder: folder) }

    func control(_ arguments: [String]) throws -> ProcessCommand {
        let program = try Programs.find("rabbitmqctl", in: Self.scripts, package: Self.package)
        var environment = common
        environment["RABBITMQ_CTL_ERL_ARGS"] = Self.network
        return ProcessCommand(program, arguments, environment: environment, inheritsEnvironment: false, workingFolder: folder.path)
    }

    private var common: [String: String] {
        [
            "HOME": folder.path,
            "ERL_EPMD_PORT": "\(epmdPort)",
            "RABBITMQ_NODENAME": membership?.name ?? Self.name,
            "RABBITMQ_CONF_ENV_FILE": folder.file("rabbitmq-env.conf"),
        ]
    }

    /// Writes the files that the node reads at start. The user is created with the data, at the first start.
    func writeFiles(user: String) throws {
        try folder.makeFolder("data")
        try folder.makeFolder("conf.d")
        _ = try folder.secret(".erlang.cookie")
        let plugins = prometheusPort == nil ? "rabbitmq_management" : "rabbitmq_management,rabbitmq_prometheus"
        try folder.write("[\(plugins)].\n", to: "enabled_plugins")
        var lines = LocalAddress.listening(host).enumerated().map { "listeners.tcp.\($0.offset + 1) = \($0.element):\(port)" }
        lines += [
            "management.tcp.ip = \(host)",
            "management.tcp.port = \(managementPort)",
            "default_user = \(user)",
            "default_pass = \(try folder.secret("password"))",
            // The default blocks publishers on a small disk.
            "disk_free_limit.absolute = 50MB",
        ]
        if let membership {
            // A node that was frozen comes back with an outdated view, which only a restart repairs; `pause_minority` does not detect it.
            lines += ["cluster_partition_handling = autoheal", "cluster_formation.peer_discovery_backend = classic_config"]
            try folder.write("[{aten, [{poll_interval, \(Membership.leaderCheckMilliseconds)}]}].\n", to: "advanced.config")
            lines += membership.peers.enumerated().map { "cluster_formation.classic_config.nodes.\($0.offset + 1) = \($0.element)" }
        }
        if let prometheusPort {
            lines += ["prometheus.tcp.ip = 127.0.0.1", "prometheus.tcp.port = \(prometheusPort)"]
        }
        try folder.write(lines.joined(separator: "\n") + "\n", to: "rabbitmq.conf")
    }
}
