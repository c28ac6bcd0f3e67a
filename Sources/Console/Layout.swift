import Contracts

/// The layout that all pages share.
struct Layout: Sendable {
    let context: PageContext

    func html(_ page: Page) -> Markup {
        let reload: Markup = page.reload.map { " data-reload=\"\($0)\"" } ?? .nothing
        let notice: Markup = context.notice.map { "<p class=\"notice\" role=\"status\">\($0.text)</p>" } ?? .nothing
        return """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>\(page.title) · Wharf console</title>
            <link rel="stylesheet" href="\(Link.style)">
            <script src="\(Link.script)" defer></script>
            </head>
            <body>
            <a class="skip" href="#content">Skip to content</a>
            \(context.person.map { header($0, page.section) } ?? plainHeader)
            <main id="content" tabindex="-1"\(reload)>
            \(notice)\(page.content)
            </main>
            </body>
            </html>

            """
    }

    private var plainHeader: Markup { "<header class=\"site\"><span class=\"name\">Wharf <span>console</span></span></header>" }

    private func header(_ person: String, _ current: Section?) -> Markup {
        let items = Section.allCases.map { section -> Markup in
            let mark: Markup = section == current ? " aria-current=\"page\"" : .nothing
            return "<li><a href=\"\(section.path)\"\(mark)>\(section.title)</a></li>"
        }
        return """
            <header class="site">
            <a class="name" href="\(Link.root)">Wharf <span>console</span></a>
            <nav aria-label="Console"><ul>\(items)</ul></nav>
            <form class="find" method="get" action="\(Link.to("find"))" role="search" aria-label="Orders">
            <label class="hidden" for="find">Order number or id</label><input id="find" name="order" placeholder="Order number" autocomplete="off"><button>Find</button>
            </form>
            <div class="account"><span class="person">\(person)</span>\(Field.form(Link.signOut, context, class: "inline", "<button class=\"quiet\">Sign out</button>"))</div>
            </header>
            """
    }
}
