/// The current state of a queue in the cluster: where its members are, and whether they work.
public struct QueueState: Sendable, Equatable, Decodable {
    /// The columns requested from the management API.
    public static let columns = "name,vhost,type,state,leader,members,online"
    /// With fewer members than this, the loss of one node makes the queue unavailable.
    static let fewestMembers = 3

    public let name: String
    let virtualHost: String
    let state: String?
    let leader: String?
    let members: [String]
    let online: [String]

    enum CodingKeys: String, CodingKey {
        case name, state, leader, members, online
        case virtualHost = "vhost"
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decode(String.self, forKey: .name)
        virtualHost = try container.value(.virtualHost, or: "/")
        state = try? container.decodeIfPresent(String.self, forKey: .state)
        leader = try? container.decodeIfPresent(String.self, forKey: .leader)
        members = try container.value(.members, or: [])
        online = try container.value(.online, or: [])
    }

    /// The queue's fault; nil when it can be used, and could be without any one node of the cluster.
    public func trouble(nodeCount: Int) -> String? {
        // Without figures from the broker yet, there is nothing to report.
        guard !members.isEmpty else { return state.flatMap { Self.good.contains($0) ? nil : "it is \($0)" } }
        let away = members.filter { !online.contains($0) }.sorted()
        if online.count * 2 <= members.count {
            return "only \(online.count) of its \(members.count) members are there, so it takes and gives nothing"
        }
        guard let leader, online.contains(leader) else { return "it has no leader" }
        if !away.isEmpty { return "its member on \(away.joined(separator: ", ")) is away" }
        if members.count < min(nodeCount, Self.fewestMembers) {
            return "it has \(members.count) members on \(nodeCount) nodes, so one node is enough to take it away; rabbitmq-queues grow adds some"
        }
        return nil
    }

    private static let good: Set<String> = ["running", "live", "idle", "flow", "syncing"]
}

extension Topology {
    /// The current faults of the cluster and of the definitions' queues, one line each: nodes that are not running, and queues without a leader or with
    /// unavailable or missing members.
    /// - Throws: ``TopologyError`` with code `broker`; any error of `broker` when it cannot be reached.
    public static func troubles(of definitions: Definitions, via broker: BrokerManagement) async throws -> [String] {
        let (states, nodes) = (try await broker.queueStates(), try await broker.nodes())
        // If a lost node was not removed from the cluster before a new one started under its name, the new one forms a cluster of its own. It still answers for its predecessor's
        // members, so that the queues look healthy.
        let away = nodes.filter { !$0.running }.map { "unwell: node \($0.name) is not running" }.sorted()
        let queues = states.filter { state in definitions.queues.contains { $0.name == state.name && $0.virtualHost == state.virtualHost } }
            .compactMap { state in state.trouble(nodeCount: nodes.count).map { "unwell: queue \(state.name): \($0)" } }
            .sorted()
        return away + queues
    }
}
