import FoundationEssentials
import JSON
import TestKit
import Testing
import WebClient

@testable import Audit
@testable import Bench
@testable import LocalState
@testable import Terminal
@testable import Up
@testable import wharf

extension System {
    /// Mail cannot be written, so it waits: an operator sees it in each place.
    @Suite struct `Waiting mail` {
        private static let reportLimit = Duration.seconds(15)

        @Test func `mail that waits is in the status, readiness, log and audit within 15 seconds, and in none of them once it has left`() async throws {
            let wharf = try RunningWharf.get()
            let sku = try await Visitor.admin().newProduct()
            let (folder, away) = ("\(wharf.folder.path)/mail/tmp", "\(wharf.folder.path)/mail/tmp.away")
            try FileManager.default.moveItem(atPath: folder, toPath: away)
            var missing: [String] = []
            do {
                let guest = try Visitor.guest()
                #expect(try await guest.checkout(try await guest.newCart(sku))["order", "state"] == "confirmed")
                try await eventually("All of them report it", within: Self.reportLimit) {
                    missing = try await wharf.withoutWaitingMail()
                    return missing.isEmpty
                }
            } catch {
                Issue.record("not in \(missing)")
                try FileManager.default.moveItem(atPath: away, toPath: folder)
                throw error
            }
            try FileManager.default.moveItem(atPath: away, toPath: folder)
            try await eventually("It has left", within: .seconds(60)) {
                let status = try await Status.report(of: wharf.folder)
                guard (status.processes ?? []).allSatisfy(\.health.isWell) else { return false }
                return try await wharf.audit(since: nil).waiting.isEmpty
            }
        }
    }
}

extension RunningWharf {
    /// Behind the number: mails of earlier tests may wait as well.
    private static var count: Regex<Substring> { #/\d+ notifications? by email waits? since /# }

    /// The places where an operator looks that do not show how many mails wait, since when and why.
    fileprivate func withoutWaitingMail() async throws -> [String] {
        let status = try await Status.report(of: folder)
        let text = status.text(Paint(isColoured: false))
        let workers = (status.processes ?? []).filter { $0.role == "notifications" }
        var places: [String: Bool] = [:]
        places["the status"] = !status.isWell && text.contains(" degraded, ") && text.contains(Self.count) && text.contains("A mail's file below ")
        places["readiness"] = !workers.isEmpty
        for worker in workers {
            let ready = try await web.send(WebRequest(url: "http://127.0.0.1:\(worker.health.port ?? 0)/readyz"))
            if ready.status != 200 || !String(decoding: ready.body, as: UTF8.self).contains(Self.count) { places["readiness"] = false }
        }
        places["the audit"] = try await audit(since: nil).text(Paint(isColoured: false)).contains(Self.count)
        places["the log"] = try notificationLogs.contains { $0.contains("notifications wait") && $0.contains("channel=email") }
        return places.filter { !$0.value }.keys.sorted()
    }

    fileprivate var notificationLogs: [String] {
        get throws {
            let folder = "\(folder.path)/logs"
            let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasPrefix("notifications") }
            return names.map { String(decoding: FileManager.default.contents(atPath: "\(folder)/\($0)") ?? Data(), as: UTF8.self) }
        }
    }
}
