import Foundation
import Messaging
import Testing
import Topology

@Suite struct QueueStateTests {
    private func trouble(_ json: String, nodeCount: Int = 3) throws -> String? {
        try JSONDecoder().decode(QueueState.self, from: Data(#"{"name": "q", "vhost": "/"\#(json)}"#.utf8)).trouble(nodeCount: nodeCount)
    }

    @Test func `a queue with its leader and all members is healthy`() throws {
        #expect(try trouble(#", "state": "running", "leader": "a", "members": ["a", "b", "c"], "online": ["c", "a", "b"]"#) == nil)
        #expect(try trouble(#", "state": "running", "leader": "a", "members": ["a"], "online": ["a"]"#, nodeCount: 1) == nil)
    }

    @Test func `a queue without figures yet is not reported`() throws {
        #expect(try trouble("") == nil)
        #expect(try trouble(#", "state": "running""#) == nil)
    }

    @Test(arguments: [
        (#", "state": "down""#, "it is down"),
        (#", "leader": "", "members": ["a", "b", "c"], "online": ["b", "c"]"#, "it has no leader"),
        (#", "members": ["a", "b", "c"], "online": ["b", "c"]"#, "it has no leader"),
        (#", "leader": "a", "members": ["a", "b", "c"], "online": ["b", "c"]"#, "it has no leader"),
        (#", "leader": "a", "members": ["a", "b", "c"], "online": ["a"]"#, "only 1 of its 3 members are there, so it takes and gives nothing"),
        (#", "leader": "b", "members": ["a", "b", "c"], "online": ["b", "c"]"#, "its member on a is away"),
        (#", "leader": "a", "members": ["a"], "online": ["a"]"#, "it has 1 members on 3 nodes, so one node is enough to take it away; rabbitmq-queues grow adds some"),
    ])
    func `a queue's troubles are reported`(json: String, trouble: String) throws {
        #expect(try self.trouble(json) == trouble)
    }

    @Test func `a node that is not running is reported, even if no queue lacks a member`() async throws {
        let broker = BrokerManagement { _, path, _ in
            (200, Array((path.hasPrefix("/api/nodes") ? #"[{"name": "a", "running": true}, {"name": "b", "running": false}]"# : "[]").utf8))
        }
        #expect(try await Topology.troubles(of: try repositoryDefinitions(), via: broker) == ["unwell: node b is not running"])
    }
}
