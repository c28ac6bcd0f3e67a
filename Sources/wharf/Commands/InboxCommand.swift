import AMQP
import ArgumentParser
import Assembly
import FoundationEssentials
import Messaging
import PostgreSQL
import ServiceLifecycle

struct InboxCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inbox", abstract: "Republishes messages from the inboxes of services.", subcommands: [Republish.self])

    struct Republish: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sends all messages sent since a time again, for a broker that has lost its disk.",
            discussion: "Messages keep their ids, so those that did arrive count once. You may run it as often as needed.")

        @Option(help: "A time such as \(StartTime.example).")
        var since: StartTime

        @Option(help: "Only this service; repeat for several. (default: all)")
        var service: [ServiceName] = []

        func run() async throws {
            let (settings, logger) = try Role.start("inbox", isTool: true)
            let assembly = Assembly(settings: settings, logger: logger, name: "inbox")
            var lost = 0
            for service in service.isEmpty ? ServiceName.allCases : service {
                let report = try await republish(service, since: since.date, assembly)
                print("\(service.rawValue): \(report.handled) handled, \(report.sent) sent again, \(report.lost) not confirmed")
                lost += report.lost
            }
            if lost > 0 { throw ExitCode(1) }
        }

        private func republish(
            _ service: ServiceName, since start: Date, _ assembly: Assembly
        ) async throws -> InboxRepublisher.Report {
            let database = try assembly.database(service)
            let publisher = try assembly.publisher(service.rawValue, confirms: true)
            let republisher = InboxRepublisher(database: database, publisher: publisher, clock: assembly.clock)
            return try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await publisher.run() }
                defer { group.cancelAll() }
                let report: InboxRepublisher.Report
                do {
                    report = try await republisher.republish(since: start)
                } catch {
                    await database.close()
                    throw error
                }
                await database.close()
                return report
            }
        }
    }
}
