import Autoscaling
import FoundationEssentials
import Operations
import Processes
import WebClient

extension Assembly {
    /// The broker user that may only read the management API. `WHARF_AMQP_URL_MONITORING` sets its password.
    package static let monitoring = "monitoring"
    /// The time that a worker started by another process may take to end.
    package static let workerGrace = Role.longestShutdown + .seconds(5)

    /// The command of a child of `wharf autoscale`: this executable, as a worker of the service.
    /// - Parameter executable: The path of this executable.
    package static func workerCommand(_ executable: String, _ service: String, environment: [String: String]) -> ProcessCommand {
        var variables = Settings.environment(for: service, from: environment)
        // Any free port: several workers run on one machine.
        variables["WHARF_ADMIN_ADDRESS"] = "127.0.0.1:0"
        return ProcessCommand(executable, ["worker", service], environment: variables, inheritsEnvironment: false)
    }

    /// The loads of all queues, from RabbitMQ's management API.
    /// - Throws: ``AssemblyError`` if its URL is not set, ``CredentialsError``.
    package func queueLoads(_ transport: any HTTPTransport) throws -> @Sendable () async throws -> [String: QueueLoad] {
        let url = try Broker.managementURL(settings)
        let nodes = try ManagementNodes(settings.managementURL ?? url, transport: transport)
        return { try QueueLoad.read(try await nodes.read(QueueLoad.path, timeout: .seconds(5))) }
    }
}

extension Autoscaler: HasReadiness {
    var readiness: [ReadinessCheck] { [ReadinessCheck("pools") { problem }] }
}
