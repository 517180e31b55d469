/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints how many pages of the machine's memory Xen has to give, those included that it has yet to scrub. */
#include <inttypes.h>
#include <stdio.h>

#include <xenctrl.h>

int main(void)
{
    xc_interface *xch = xc_interface_open(NULL, NULL, 0);
    xc_physinfo_t info = {0};

    if (xch == NULL || xc_physinfo(xch, &info) != 0) {
        perror("free_pages");
        return 1;
    }
    printf("%" PRIu64 "\n", (uint64_t)info.free_pages + info.scrub_pages);
    xc_interface_close(xch);
    return 0;
}
