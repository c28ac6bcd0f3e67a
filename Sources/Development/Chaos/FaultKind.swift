import Assembly
import Up

/// What can go wrong. The names are those of the report.
enum FaultKind: String, CaseIterable, Sendable {
    case roleKilled = "role killed"
    case roleStopped = "role stopped"
    case roleStoppedForLong = "role stopped past its heartbeats"
    case roleStoppedInTransaction = "worker stopped inside a transaction"
    case poolRestarted = "pool restarted one by one"
    case brokerStopped = "RabbitMQ application stopped"
    case brokerKilled = "RabbitMQ killed"
    case memoryAlarm = "RabbitMQ memory alarm"
    case diskAlarm = "RabbitMQ disk alarm"
    case brokerConnectionsClosed = "RabbitMQ closes all connections"
    case queueDeleted = "queue deleted"
    case bindingDeleted = "binding deleted"
    case databaseRestarted = "PostgreSQL fast restart"
    case databaseRestartedAtOnce = "PostgreSQL immediate restart"
    case databaseKilled = "PostgreSQL killed"
    case sessionsTerminated = "PostgreSQL sessions terminated"
    case tableLocked = "PostgreSQL table locked"
    case databaseReadOnly = "PostgreSQL read-only"
    case commitAnswersLost = "PostgreSQL commits unanswered"
    case inboxRead = "inbox read across its midnight"
    case cacheKilled = "Redis killed"
    case gatewaySlow = "gateway slow"
    case gatewayFails = "gateway answers 500"
    case gatewayDrops = "gateway drops after charging"
    case webhooksTwisted = "webhooks doubled and reordered"
    case networkCut = "network cut"
    case networkSlow = "network slow"
    case networkReset = "network reset"
    case networkSilent = "network black hole"
    case nodeKilled = "node of three killed"
    case nodeFrozen = "node of three frozen"
    case nodeSilent = "node of three silent"
    case primaryKilled = "PostgreSQL primary killed, standby promoted"
    case primaryFrozen = "PostgreSQL primary frozen, standby promoted"
    case primarySilent = "PostgreSQL primary silent, standby promoted"

    /// The faults of a shop with one server of each kind.
    static let alone = allCases.filter { !ofCluster.contains($0) }
    /// The faults of a shop with several servers, besides ``ofRoles``.
    private static let ofCluster: Set<FaultKind> = [.nodeKilled, .nodeFrozen, .nodeSilent, .primaryKilled, .primaryFrozen, .primarySilent]
    private static let ofRoles: Set<FaultKind> = [.roleKilled, .roleStoppedForLong, .roleStoppedInTransaction]
    static let clustered = allCases.filter { ofCluster.contains($0) || ofRoles.contains($0) }

    /// Its possible targets.
    var targets: [String] {
        switch self {
        case .roleKilled, .roleStopped: [ChildSpec.ingress, ChildSpec.sandbox] + ServiceName.allCases.map(\.rawValue)
        case .roleStoppedForLong, .poolRestarted, .inboxRead: ServiceName.onTheWay.map(\.rawValue)
        case .roleStoppedInTransaction: StoppedTransactionFault.roles.map(\.rawValue)
        case .queueDeleted: QueueFault.queues
        case .bindingDeleted: BindingFault.routes.map(\.key)
        case .tableLocked: DatabaseFault.tables
        case .networkCut, .networkSlow, .networkReset, .networkSilent: NetworkLink.allCases.map(\.rawValue)
        case .nodeKilled, .nodeFrozen, .nodeSilent: ClusterFault.nodes
        default: [""]
        }
    }

    /// How often it occurs before another kind occurs for the second time: kinds with many targets occur more often.
    var share: Int {
        switch self {
        case .roleKilled: 5
        case .roleStopped: 4
        case .networkCut, .networkReset: 2
        default: 1
        }
    }

    /// How long it may last, in seconds.
    var holds: ClosedRange<Int> {
        switch self {
        case .roleStopped: 2...4
        // The broker considers a peer dead that has been silent for two to three heartbeats of 3 seconds.
        case .roleStoppedForLong: 14...17
        case .brokerStopped, .bindingDeleted: 2...3
        case .memoryAlarm, .diskAlarm, .gatewaySlow, .gatewayFails, .gatewayDrops, .webhooksTwisted, .networkSlow: 3...5
        case .tableLocked, .databaseReadOnly, .commitAnswersLost, .networkCut: 3...6
        // Longer than any session may be held up by them.
        case .roleStoppedInTransaction, .inboxRead: 17...18
        case .networkSilent: 4...12
        // Longer than the effects of the loss may last.
        case .nodeKilled, .nodeFrozen, .nodeSilent, .primaryKilled, .primaryFrozen, .primarySilent: 12...14
        default: 0...0
        }
    }

    /// The additional time that injecting, restoring and recovering usually take, in seconds.
    var effort: Int {
        switch self {
        case .brokerKilled: 12
        case .nodeKilled, .nodeFrozen: 15
        case .nodeSilent, .primaryKilled, .primaryFrozen, .primarySilent: 5
        case .brokerStopped: 10
        case .queueDeleted, .bindingDeleted: 5
        case .inboxRead: 5
        case .memoryAlarm, .diskAlarm, .poolRestarted, .brokerConnectionsClosed: 3
        case .roleKilled, .roleStoppedInTransaction, .databaseRestarted, .databaseRestartedAtOnce, .databaseKilled: 2
        default: 1
        }
    }

    /// Where others take over from the failed part: the longest time that customers may be without success, whatever the fault's own length.
    var longestOutage: Duration? {
        switch self {
        case .roleStoppedInTransaction, .inboxRead: .seconds(15)
        case .nodeKilled, .nodeFrozen, .nodeSilent, .primaryKilled, .primaryFrozen, .primarySilent: .seconds(10)
        default: nil
        }
    }

    func fault(_ target: String) -> any Fault {
        switch self {
        case .roleKilled: RoleFault(role: target, act: .kill)
        case .roleStopped: RoleFault(role: target, act: .stopAll)
        case .roleStoppedForLong: RoleFault(role: target, act: .stopOne)
        case .roleStoppedInTransaction: StoppedTransactionFault(role: target)
        case .poolRestarted: RoleFault(role: target, act: .restart)
        case .brokerStopped: BrokerFault.stopped
        case .brokerKilled: BrokerFault.killed
        case .memoryAlarm: BrokerFault.memoryAlarm
        case .diskAlarm: BrokerFault.diskAlarm
        case .brokerConnectionsClosed: BrokerFault.connectionsClosed
        case .queueDeleted: QueueFault(queue: target)
        case .bindingDeleted: BindingFault(key: target)
        case .databaseRestarted: DatabaseFault.restarted
        case .databaseRestartedAtOnce: DatabaseFault.restartedAtOnce
        case .databaseKilled: DatabaseFault.killed
        case .sessionsTerminated: DatabaseFault.sessionsTerminated
        case .tableLocked: DatabaseFault.locked(table: target)
        case .databaseReadOnly: DatabaseFault.readOnly
        case .commitAnswersLost: NetworkFault(link: NetworkLink.database.rawValue, act: .unansweredCommits)
        case .inboxRead: InboxReadFault(service: target)
        case .cacheKilled: CacheFault()
        case .gatewaySlow: GatewayFault.slow
        case .gatewayFails: GatewayFault.fails
        case .gatewayDrops: GatewayFault.drops
        case .webhooksTwisted: GatewayFault.webhooksTwisted
        case .networkCut: NetworkFault(link: target, act: .cut)
        case .networkSlow: NetworkFault(link: target, act: .slow)
        case .networkReset: NetworkFault(link: target, act: .reset)
        case .networkSilent: NetworkFault(link: target, act: .silent)
        case .nodeKilled: ClusterFault.node(target, .kill)
        case .nodeFrozen: ClusterFault.node(target, .freeze)
        case .nodeSilent: ClusterFault.node(target, .silence)
        case .primaryKilled: ClusterFault.primary(.kill)
        case .primaryFrozen: ClusterFault.primary(.freeze)
        case .primarySilent: ClusterFault.primary(.silence)
        }
    }
}

extension ServiceName {
    /// Queues that an order passes through.
    static let onTheWay: [ServiceName] = [.carts, .catalog, .orders, .payments, .notifications]
}
