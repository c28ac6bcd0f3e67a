import ArgumentParser
import Assembly
import Contracts
import FoundationEssentials
import JSON
import Payments
import PostgreSQL

extension PaymentsCommand {
    struct Reconcile: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Compares the books of payments with the gateway's own list, and lists what differs.",
            discussion: """
                Changes nothing, and is safe on a running shop: a payment counts as different when it still differs at a second look, 15 seconds later.

                Exit status 0: no difference. 1: differences. 2: something could not be read. 78: a setting is wrong.
                """)

        /// An incomplete comparison is neither a pass nor a failure.
        private static let couldNotCompare = ExitCode(2)

        @Option(help: "Compare payments made since this time, such as \(StartTime.example).") var since: StartTime
        @Flag(help: "Print the result as one JSON object for each gateway.") var json = false

        func run() async throws {
            let (settings, logger) = try Role.start("payments", isTool: true)
            let assembly = Assembly(settings: settings, logger: logger, name: "payments")
            let (database, reconciliations) = try Role.stoppingOnBadSettings { try assembly.reconciliations() }
            var isClean = true
            do {
                for reconciliation in reconciliations {
                    let report = try await reconciliation.run(since: since.date)
                    if let report { try show(report, of: reconciliation.name) } else { print("\(reconciliation.name.rawValue) has no list of payments.") }
                    isClean = isClean && report?.isClean != false
                }
            } catch {
                await database.close()
                Role.complain("payments could not be compared: \(error)")
                throw Self.couldNotCompare
            }
            await database.close()
            if !isClean { throw ExitCode.failure }
        }

        private struct Result: Encodable {
            let gateway: GatewayName
            let report: ReconciliationReport
        }

        private func show(_ report: ReconciliationReport, of gateway: GatewayName) throws {
            if json { return print(String(decoding: try JSON.encode(Result(gateway: gateway, report: report)), as: UTF8.self)) }
            for difference in report.differences { print(difference.text) }
            if report.unlisted > 0 { print("\(report.unlisted) more payments differ.") }
            let verdict = report.isClean ? "no difference" : "\(report.differences.count + report.unlisted) differences"
            print("\(gateway.rawValue): \(report.attempts) payments in the books, \(report.payments) at the gateway since \(report.since.ISO8601Format()): \(verdict)")
        }
    }
}
