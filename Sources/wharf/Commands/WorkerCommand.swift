import ArgumentParser
import Assembly
import Messaging

struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker", abstract: "Runs one worker of one service; start as many as the work needs.")

    @Argument(help: "One of \(ServiceName.allCases.map(\.rawValue).joined(separator: ", ")).")
    var service: ServiceName

    func run() async throws {
        try await Role.run(service.rawValue) { try $0.worker(service) }
    }
}
