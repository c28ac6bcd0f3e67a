import Testing

@testable import AMQP

extension BrokerTests {
    @Suite struct TLSTests {
        @Test func `a broker with a certificate of the given authority is trusted`() async throws {
            let broker = try await TestBroker.shared.value
            let queue = try await Topology(broker.configuration).queue()
            let configuration = try broker.tlsConfiguration(query: "cacertfile=\(broker.folder)/ca.pem")
            let publisher = Publisher(configuration: configuration, logger: quiet)
            let consumer = Consumer(configuration: configuration, source: .queue(queue), prefetch: 500, logger: quiet)
            try await running(publisher, consumer) {
                let outcomes = await publisher.publish((0..<500).map { message("\($0)", to: queue) })
                #expect(outcomes.areConfirmed)
                let received = try await consumer.collect(500)
                #expect(received.map(\.text) == (0..<500).map { "\($0)" })
            }
        }

        @Test(arguments: ["", "&verify=verify_peer"])
        func `an unknown authority is refused`(query: String) async throws {
            let broker = try await TestBroker.shared.value
            let configuration = try broker.tlsConfiguration(query: "cacertfile=\(AMQPConfiguration.TLS.systemCAFile)" + query)
            await #expect { _ = try await Topology(configuration) } throws: { ($0 as? AMQPError)?.code == .tls }
        }

        @Test func `another host's certificate is refused`() async throws {
            let broker = try await TestBroker.shared.value
            let configuration = try broker.tlsConfiguration(host: "127.0.0.1", query: "cacertfile=\(broker.folder)/ca.pem")
            await #expect { _ = try await Topology(configuration) } throws: { ($0 as? AMQPError)?.code == .tls }
        }

        @Test func `without verification any certificate is accepted`() async throws {
            let broker = try await TestBroker.shared.value
            _ = try await Topology(broker.tlsConfiguration(host: "127.0.0.1", query: "verify=verify_none"))
        }

        @Test func `a missing CA file is a configuration error`() async throws {
            let broker = try await TestBroker.shared.value
            let configuration = try broker.tlsConfiguration(query: "cacertfile=/nonexistent.pem")
            await #expect { _ = try await Topology(configuration) } throws: { ($0 as? AMQPError)?.code == .configuration }
        }
    }
}
