import Foundation
import JSON
import LocalServers
import LocalState
import TestKit
import Testing

extension System {
    @Suite struct `Operators` {
        @Test func `every message of an order is followed through all services, over HTTP and from a shell`() async throws {
            let admin = try Visitor.admin()
            let answer = try await Visitor.guest().checkout(try await Visitor.guest().newCart(try await admin.newProduct()))
            let order = try #require(answer["order", "id"]?.text)
            let number = try #require(answer["order", "number"]?.text)
            let way = [
                "orders.checkouts.place", "catalog.stock.reserve", "payments.charge", "orders.checkouts.advance", "catalog.stock.sell", "order.confirmed",
            ]
            try await eventually("All of them are handled") {
                let messages = try await admin.get("/v1/checkouts/\(order)")["messages"]?.list ?? []
                return messages.count { $0["handledAt"] != nil } == way.count
            }
            let shown = try await admin.get("/v1/checkouts/\(order)")
            let messages = shown["messages"]?.list ?? []
            #expect(messages.compactMap { $0["operation"]?.text }.sorted() == way.sorted())
            #expect(messages.first?["operation"] == "orders.checkouts.place" && messages.dropFirst().allSatisfy { $0["parent"] != nil })
            #expect(messages.first { $0["operation"] == "order.confirmed" }?["service"] == "notifications")
            #expect(shown["unanswered"]?.list.isEmpty == true && shown["state"] == "confirmed")
            // Steps that follow from a message name it.
            #expect(shown["timeline"]?.list.last?["messageId"] != nil)

            let (text, exit) = try await admin.wharf.run(["checkouts", "show", number])
            #expect(exit == .exited(0) && text.split(separator: "\n").count { $0.hasPrefix("message\t") } == way.count, "\(text)")
            #expect(try await admin.wharf.run(["checkouts", "assign", order, "grace"]).exit == .exited(0))
            #expect(try await admin.get("/v1/checkouts/\(order)")["assignment", "assignee"] == "grace")
            let (refused, status) = try await admin.wharf.run(["checkouts", "compensate", order, "--yes"])
            #expect(status == .exited(1) && refused.contains("The order is paid"), "\(refused)")
            #expect(try await admin.wharf.run(["checkouts", "retry", order]).exit == .exited(64), "nobody can be asked")
            let (dry, ended) = try await admin.wharf.run(["checkouts", "assign", order, "--remove", "--dry-run"])
            #expect(ended == .exited(0) && dry.contains("Remove the assignment? Nothing was changed."), "\(dry)")
            #expect(try await admin.get("/v1/checkouts/\(order)")["assignment", "assignee"] == "grace")
            #expect(try await Visitor.guest().get("/v1/checkouts/\(order)").status == 401)
        }

        /// `script` gives the command a terminal of its own.
        private func onTerminal(_ command: String, typing keys: String) async throws -> (output: String, exit: ManagedProcess.ExitStatus?) {
            let wharf = try RunningWharf.get()
            let folder = URL(filePath: wharf.folder.path).deletingLastPathComponent().path
            let log = "\(folder)/terminal-\(UUID().uuidString).log"
            defer { try? FileManager.default.removeItem(atPath: log) }
            let process = ManagedProcess(
                name: "script",
                command: ProcessCommand(
                    "/bin/bash", ["-c", #"printf %s "$1" | script -qec "$2; stty -a" /dev/null"#, "bash", keys, command], inheritsEnvironment: false, workingFolder: folder),
                output: .file(log))
            try await process.start()
            let exit = await process.exit
            return ((try? Data(contentsOf: URL(filePath: log))).map { String(decoding: $0, as: UTF8.self) } ?? "", exit)
        }

        @Test func `browsing takes the whole terminal, and gives it back`() async throws {
            let (output, _) = try await onTerminal("\(RunningWharf.executable) dead-letters browse; echo \"status $?\"", typing: "?qq")
            #expect(output.contains("\u{1B}[?1049h") && output.contains("Ctrl-C           quit"))
            let after = try #require(output.components(separatedBy: "\u{1B}[?1049l").last)
            #expect(after.contains("status 0") && after.contains(" icanon") && after.contains(" echo "), "\(after)")
        }

        /// Whether the signal comes before the screen is taken or later.
        @Test(arguments: ["TERM", "HUP", "SEGV", "ABRT"])
        func `a browser that is ended by a signal leaves the terminal as it was`(signal: String) async throws {
            let (output, _) = try await onTerminal("timeout --foreground -s \(signal) 4 \(RunningWharf.executable) dead-letters browse", typing: "?")
            let after = output.components(separatedBy: "\u{1B}[?1049l").last ?? ""
            #expect(output.components(separatedBy: "\u{1B}[?1049h").count <= output.components(separatedBy: "\u{1B}[?1049l").count)
            #expect(after.contains(" icanon") && after.contains(" echo "), "\(after)")
        }
    }
}
